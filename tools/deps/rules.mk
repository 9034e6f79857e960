# The third-party libraries that are built here, once, in build/deps. Raise a number when its recipe changes.
DEPS := build/deps
DEPS_native := $(addprefix $(DEPS)/native/,libsodium.1 sqlite.2)
DEPS_wasm := $(addprefix $(DEPS)/wasm/,libsodium.3 sqlite.1 jansson.1)

$(DEPS_native) $(DEPS_wasm):
	tools/deps/build $(basename $(@F)) $(notdir $(@D))
	@touch $@
