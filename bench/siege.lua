-- For wrk: what a stranger may ask for, in turn: cheap reads, a nonce, which is a row in the store, a login that fails
-- after its signature was looked at, and what is refused at the door.
local login = "\131" .. "\88\32" .. string.rep("n", 32) .. "\131\1\88\32" .. string.rep("s", 32) .. "\88\32" ..
	string.rep("k", 32) .. "\88\64" .. string.rep("g", 64)
local asked = {
	wrk.format("GET", "/v1/server"), wrk.format("POST", "/v1/session/nonce", nil, ""), wrk.format("GET", "/healthz"),
	wrk.format("GET", "/v1/server"), wrk.format("POST", "/v1/session", nil, login), wrk.format("GET", "/nowhere"),
	wrk.format("GET", "/v1/rooms/" .. string.rep("ab", 32) .. "/entries?from=0"), wrk.format("GET", "/v1/server"),
}
local forwarded = os.getenv("SIEGE_FORWARDED") -- how many clients a proxy tells of; unset: none
local n = 0
request = function()
	n = n + 1
	if forwarded then
		local of = n % tonumber(forwarded)
		return wrk.format("GET", "/v1/server", {["X-Forwarded-For"] = "198.51." .. math.floor(of / 250) .. "." .. of % 250 + 1})
	end
	return asked[n % #asked + 1]
end
