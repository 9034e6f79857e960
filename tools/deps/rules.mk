# The third-party libraries that are built here, once, in build/deps. Raise a number when its recipe changes.
DEPS := build/deps
DEPS_native := $(DEPS)/native/libsodium.1 $(DEPS)/native/sqlite.1
DEPS_wasm := $(DEPS)/wasm/libsodium.1 $(DEPS)/wasm/sqlite.1 $(DEPS)/wasm/jansson.1

$(DEPS)/%.1:
	tools/deps/build $(notdir $*) $(patsubst %/,%,$(dir $*))
	@touch $@
