# Privity's build. Sources are listed in each folder's sources.mk; `./dev` calls this file, see docs/HACKING.md.
#
#   make                       build/bin/privity, privityd, pv-vectors
#   make tests                 the C tests, natively (with SAN=… : sanitized)
#   make wasm                  build/wasm/core.wasm and the C tests for wasm32-wasi
#   make SAN=address,undefined | SAN=thread | SAN=fuzz       the same in build/address-undefined, …
#   make WERROR=1              warnings are errors
#   make V=1                   shows the commands in full

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:

-include core/sources.mk client/sources.mk cli/sources.mk server/sources.mk tests/sources.mk bench/sources.mk
include tools/deps/rules.mk

comma := ,
VARIANT := $(if $(SAN),$(subst $(comma),-,$(SAN)),native)
B := build/$(VARIANT)
BIN := $(if $(SAN),$(B)/bin,build/bin)
GEN := build/gen

# --- tools and flags ------------------------------------------------------------------------------------------------

ifeq ($(SAN),fuzz)
CC := clang
else
CC := gcc
endif
WASM_CC := clang --target=wasm32-wasi

WARN := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum \
	$(if $(WERROR),-Werror)
COMMON := -std=gnu17 -O2 -g $(WARN) -MMD -MP -I. -I$(GEN) -ffile-prefix-map=$(CURDIR)=. -fno-common

HARDEN := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection
SAN_native := $(HARDEN)
SAN_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_FLAGS := $(or $(SAN_$(VARIANT)),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)

CFLAGS_all := $(COMMON) $(SAN_FLAGS) -D_GNU_SOURCE -fPIE -pthread -isystem $(DEPS)/native/include
CFLAGS_wasm := $(COMMON) -DNDEBUG -isystem $(DEPS)/wasm/include
LDFLAGS_all := $(if $(SAN),$(SAN_FLAGS)) -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
LIBS_core := $(DEPS)/native/lib/libsodium.a $(DEPS)/native/lib/libsqlite3.a -lm
LIBS_all := $(LIBS_core) -lcurl -lmicrohttpd -ljansson -lcrypto -lkeyutils
LIBS_wasm := $(DEPS)/wasm/lib/libsodium.a $(DEPS)/wasm/lib/libsqlite3.a $(DEPS)/wasm/lib/libjansson.a

# --- what is built ---------------------------------------------------------------------------------------------------

# A program is its own file and whatever it needs of these archives.
ARCHIVES := $(B)/libcli.a $(B)/libclient.a $(B)/libserver.a $(B)/libtest.a $(B)/libprivity.a
PROGRAMS := $(if $(CLI_MAIN),$(BIN)/privity) $(if $(SERVER_MAIN),$(BIN)/privityd) $(if $(VECTORS_MAIN),$(BIN)/pv-vectors)
TEST_PROGRAMS := $(patsubst %.c,$(B)/%,$(UNIT_TESTS) $(NATIVE_TESTS))
BENCH_PROGRAMS := $(patsubst %.c,$(B)/%,$(BENCH_PROGS))
FUZZ_PROGRAMS := $(patsubst %.c,$(B)/%,$(FUZZ_TARGETS))
WASM_PROGRAMS := $(patsubst %.c,build/wasm/%.wasm,$(WASM_TESTS))
EMBEDDED := $(patsubst %,$(GEN)/%.inc,$(EMBED))

.PHONY: all tests bench fuzz wasm deps deps-wasm
all: $(PROGRAMS)
tests: all $(TEST_PROGRAMS)
bench: all $(BENCH_PROGRAMS)
fuzz: $(FUZZ_PROGRAMS)
wasm: build/wasm/core.wasm $(WASM_PROGRAMS) $(WASM_PROGRAMS:.wasm=.t)
deps: $(DEPS_native)
deps-wasm: $(DEPS_wasm)

.PRECIOUS: $(B)/%.o build/wasm/%.o build/wasm/%.wasm

# --- rules -----------------------------------------------------------------------------------------------------------

Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)  $@')

objects = $(patsubst %.c,$(1)/%.o,$(2))

$(B)/libprivity.a: $(call objects,$(B),$(CORE_SRC))
$(B)/libclient.a: $(call objects,$(B),$(CLIENT_SRC))
$(B)/libcli.a: $(call objects,$(B),$(CLI_SRC))
$(B)/libserver.a: $(call objects,$(B),$(SERVER_SRC))
$(B)/libtest.a: $(call objects,$(B),$(TEST_SRC))
build/wasm/libprivity.a: $(call objects,build/wasm,$(CORE_SRC) $(CORE_WASM_SRC))
build/wasm/libtest.a: $(call objects,build/wasm,$(TEST_WASM_SRC))

$(B)/lib%.a: Makefile $(wildcard */sources.mk)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR  )
	$(Q)ar rcsD $@ $(filter %.o,$^)

build/wasm/lib%.a: Makefile $(wildcard */sources.mk)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR  )
	$(Q)llvm-ar rcsD $@ $(filter %.o,$^)

$(B)/%.o: %.c Makefile $(DEPS_native) | $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(CC) $(CFLAGS_all) -c $< -o $@

build/wasm/%.o: %.c Makefile $(DEPS_wasm) | $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,CC  )
	$(Q)$(WASM_CC) $(CFLAGS_wasm) -c $< -o $@

# A text file as the lines of a C string: `#include "core/state/schema.sql.inc"` inside an initialiser.
$(GEN)/%.inc: %
	@mkdir -p $(@D)
	$(call say,GEN )
	$(Q)sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' $< >$@

define link
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_all) $(1) $(filter %.o %.a,$^) $(LIBS_all) -o $@
endef

$(BIN)/privity: $(call objects,$(B),$(CLI_MAIN)) $(ARCHIVES)
	$(call link)
$(BIN)/privityd: $(call objects,$(B),$(SERVER_MAIN)) $(ARCHIVES)
	$(call link)
$(BIN)/pv-vectors: $(call objects,$(B),$(VECTORS_MAIN)) $(ARCHIVES)
	$(call link)
$(TEST_PROGRAMS) $(BENCH_PROGRAMS): $(B)/%: $(B)/%.o $(ARCHIVES)
	$(call link)
$(FUZZ_PROGRAMS): $(B)/%: $(B)/%.o $(ARCHIVES)
	$(call link,-fsanitize=fuzzer)

# The reactor that a page loads: every core function by name, and an allocator to pass bytes in and out.
build/wasm/core.wasm: build/wasm/libprivity.a $(DEPS_wasm)
	$(call say,LINK)
	$(Q)$(WASM_CC) -mexec-model=reactor -Wl,--whole-archive $< -Wl,--no-whole-archive $(LIBS_wasm) \
		$$(llvm-nm --defined-only --extern-only --just-symbol-name $< | sed -n 's/^pv_.*/-Wl,--export-if-defined=&/p') \
		-Wl,--export=malloc,--export=free,--strip-debug -o $@

build/wasm/%.wasm: build/wasm/%.o build/wasm/libtest.a build/wasm/libprivity.a $(DEPS_wasm)
	$(call say,LINK)
	$(Q)$(WASM_CC) $(filter %.o %.a,$^) $(LIBS_wasm) -o $@

# What prove runs for a wasm test.
build/wasm/%.t: build/wasm/%.wasm
	@printf '#!/bin/sh\nexec node tests/run-wasm.mjs %s "$$@"\n' $< >$@
	@chmod +x $@

-include $(patsubst %.c,$(B)/%.d,$(CORE_SRC) $(CLIENT_SRC) $(CLI_SRC) $(SERVER_SRC) $(TEST_SRC) \
	$(CLI_MAIN) $(SERVER_MAIN) $(VECTORS_MAIN) $(UNIT_TESTS) $(NATIVE_TESTS) $(BENCH_PROGS) $(FUZZ_TARGETS))
-include $(patsubst %.c,build/wasm/%.d,$(CORE_SRC) $(CORE_WASM_SRC) $(TEST_WASM_SRC) $(WASM_TESTS))

# --- lists for ./dev -------------------------------------------------------------------------------------------------

.PHONY: print-tests print-wasm-tests print-fuzz print-sources
print-tests:
	@printf '%s\n' $(TEST_PROGRAMS)
print-wasm-tests:
	@printf '%s\n' $(WASM_PROGRAMS:.wasm=.t)
print-fuzz:
	@printf '%s\n' $(FUZZ_PROGRAMS)
print-sources:
	@printf '%s\n' $(CORE_SRC) $(CLIENT_SRC) $(CLI_SRC) $(CLI_MAIN) $(SERVER_SRC) $(SERVER_MAIN)
