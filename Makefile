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
BIN := $(if $(filter native,$(VARIANT)),build/bin,$(B)/bin)
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
SAN_lint := $(HARDEN)
SAN_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_FLAGS := $(or $(SAN_$(VARIANT)),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)

CFLAGS_all := $(COMMON) $(SAN_FLAGS) -D_GNU_SOURCE -fPIE -pthread -isystem $(DEPS)/native/include
CFLAGS_wasm := $(COMMON) -DNDEBUG -isystem $(DEPS)/wasm/include
LDFLAGS_all := $(if $(SAN),$(SAN_FLAGS)) -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
LIBS_core := $(DEPS)/native/lib/libsodium.a $(DEPS)/native/lib/libsqlite3.a -lm
LIBS_kit := -lpangocairo-1.0 -lpango-1.0 -lgobject-2.0 -lglib-2.0 -lcairo -lqrencode
LIBS_all := $(LIBS_core) -lcurl -lmicrohttpd -ljansson -lcrypto -lkeyutils -lseccomp
# A stack as large as a browser's thread has, placed first: overflowing it traps instead of overwriting data.
LDFLAGS_wasm := -Wl,-z,stack-size=1048576,--stack-first
# The usual printf of wasi-libc would print a note on what it leaves out, so that it needs a standard error.
LIBS_wasm := -lc-printscan-long-double $(DEPS)/wasm/lib/libsodium.a $(DEPS)/wasm/lib/libsqlite3.a $(DEPS)/wasm/lib/libjansson.a

# --- what is built ---------------------------------------------------------------------------------------------------

PROGRAMS := $(if $(CLI_MAIN),$(BIN)/privity $(BIN)/privity-kit-pdf $(BIN)/privity-qr) $(if $(SERVER_MAIN),$(BIN)/privityd) $(if $(VECTORS_MAIN),$(BIN)/pv-vectors)
SHARE := $(if $(CLI_MAIN),$(addprefix build/share/,man/man1/privity.1 bash-completion/completions/privity \
	zsh/site-functions/_privity fish/vendor_completions.d/privity.fish))
SERVER_SHARE := $(if $(SERVER_MAIN),$(addprefix build/share/,man/man8/privityd.8 bash-completion/completions/privityd \
	zsh/site-functions/_privityd fish/vendor_completions.d/privityd.fish))
TEST_PROGRAMS := $(patsubst %.c,$(B)/%,$(UNIT_TESTS) $(NATIVE_TESTS))
TOOL_PROGRAMS := $(patsubst %.c,$(B)/%,$(TEST_TOOLS))
BENCH_PROGRAMS := $(patsubst %.c,$(B)/%,$(BENCH_PROGS))
FUZZ_PROGRAMS := $(patsubst %.c,$(B)/%,$(FUZZ_TARGETS))
# The same targets without a fuzzer, on spoiled samples; where a sanitizer watches.
SPOIL_PROGRAMS := $(if $(findstring address,$(SAN)),$(patsubst tests/fuzz/fuzz_%.c,$(B)/tests/fuzz/spoil_%,$(FUZZ_TARGETS)))
WASM_PROGRAMS := $(patsubst %.c,build/wasm/%.wasm,$(WASM_TESTS))
EMBEDDED := $(patsubst %,$(GEN)/%.inc,$(EMBED))

SOURCES := $(CORE_SRC) $(CLIENT_SRC) $(CLI_SRC) $(CLI_MAIN) $(CLI_KIT_SRC) $(CLI_QR_SRC) $(SERVER_SRC) $(SERVER_MAIN)
TEST_SOURCES := $(TEST_SRC) $(UNIT_TESTS) $(NATIVE_TESTS) $(TEST_TOOLS) $(VECTORS_MAIN) $(BENCH_PROGS) $(FUZZ_TARGETS) $(SPOIL_MAIN)

.DEFAULT_GOAL := all
.SECONDARY: $(EMBEDDED)
.PHONY: all tests bench fuzz wasm deps deps-wasm objects
all: $(PROGRAMS) $(if $(SAN),,$(SHARE) $(SERVER_SHARE))
tests: all $(TEST_PROGRAMS) $(TOOL_PROGRAMS) $(SPOIL_PROGRAMS)
bench: all $(BENCH_PROGRAMS)
fuzz: $(FUZZ_PROGRAMS)
wasm: build/wasm/core.wasm $(WASM_PROGRAMS) $(patsubst %.c,build/wasm/%.wasm,$(WASM_TOOLS)) $(WASM_PROGRAMS:.wasm=.t)
objects: $(patsubst %.c,$(B)/%.o,$(SOURCES) $(TEST_SOURCES))
deps: $(DEPS_native)
deps-wasm: $(DEPS_wasm)

.PRECIOUS: $(B)/%.o build/wasm/%.o build/wasm/%.wasm

# --- rules -----------------------------------------------------------------------------------------------------------

Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)  $@')

objects = $(patsubst %.c,$(1)/%.o,$(2))

$(B)/libprivity.a: $(call objects,$(B),$(CORE_SRC)) $(wildcard core/sources.mk)
$(B)/libclient.a: $(call objects,$(B),$(CLIENT_SRC)) $(wildcard client/sources.mk)
$(B)/libcli.a: $(call objects,$(B),$(CLI_SRC)) $(wildcard cli/sources.mk)
$(B)/libserver.a: $(call objects,$(B),$(SERVER_SRC)) $(wildcard server/sources.mk)
$(B)/libtest.a: $(call objects,$(B),$(TEST_SRC)) $(wildcard tests/sources.mk)
build/wasm/libprivity.a: $(call objects,build/wasm,$(CORE_SRC) $(CORE_WASM_SRC)) $(wildcard core/sources.mk)
build/wasm/libtest.a: $(call objects,build/wasm,$(TEST_WASM_SRC)) $(wildcard tests/sources.mk)

# An archive is made anew when its list changes, so that it holds no file that has left.
$(B)/lib%.a: Makefile
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR  )
	$(Q)ar rcsD $@ $(filter %.o,$^)

build/wasm/lib%.a: Makefile
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR  )
	$(Q)llvm-ar rcsD $@ $(filter %.o,$^)

# Only the page to print sees what draws it.
$(B)/cli/kit_pdf.o: CFLAGS_all += $(patsubst -I%,-isystem %,$(shell pkg-config --cflags pangocairo))

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
	$(Q)$(CC) $(LDFLAGS_all) $(LDFLAGS_of) $(1) $(filter %.o %.a,$^) $(LIBS_all) -o $@
endef

CORE := $(B)/libprivity.a
CLIENT := $(B)/libclient.a $(CORE)
$(BIN)/privity: $(call objects,$(B),$(CLI_MAIN)) $(B)/libcli.a $(CLIENT)
$(BIN)/privity-kit-pdf: LIBS_all += $(LIBS_kit)
$(BIN)/privity-kit-pdf: $(call objects,$(B),$(CLI_KIT_SRC)) $(CORE)

$(BIN)/privity-qr: LIBS_all := -lqrencode
$(BIN)/privity-qr: $(call objects,$(B),$(CLI_QR_SRC))

# The command's own table makes its manual page and completions.
build/share/man/man1/privity.1: SHARE_OF := --man
build/share/bash-completion/completions/privity: SHARE_OF := --completion bash
build/share/zsh/site-functions/_privity: SHARE_OF := --completion zsh
build/share/fish/vendor_completions.d/privity.fish: SHARE_OF := --completion fish
$(SHARE): build/bin/privity
	@mkdir -p $(@D)
	$(call say,GEN )
	$(Q)$< help $(SHARE_OF) >$@

build/share/bash-completion/completions/privityd: SHELL_OF := bash
build/share/zsh/site-functions/_privityd: SHELL_OF := zsh
build/share/fish/vendor_completions.d/privityd.fish: SHELL_OF := fish
$(filter-out %.8,$(SERVER_SHARE)): build/bin/privityd
	@mkdir -p $(@D)
	$(call say,GEN )
	$(Q)$< --completion $(SHELL_OF) >$@
build/share/man/man8/privityd.8: docs/man/privityd.8
	@mkdir -p $(@D)
	$(call say,GEN )
	$(Q)cp $< $@

$(BIN)/privityd: $(call objects,$(B),$(SERVER_MAIN)) $(B)/libserver.a $(CORE)
$(BIN)/pv-vectors: $(call objects,$(B),$(VECTORS_MAIN)) $(B)/libtest.a $(CLIENT)
$(patsubst %.c,$(B)/%,$(UNIT_TESTS)): $(B)/%: $(B)/%.o $(B)/libtest.a $(CORE)
$(patsubst %.c,$(B)/%,$(NATIVE_TESTS) $(TEST_TOOLS) $(BENCH_PROGS) $(FUZZ_TARGETS)): \
	$(B)/%: $(B)/%.o $(B)/libtest.a $(B)/libcli.a $(B)/libserver.a $(CLIENT)

$(SPOIL_PROGRAMS): $(B)/tests/fuzz/spoil_%: $(B)/tests/fuzz/fuzz_%.o $(patsubst %.c,$(B)/%.o,$(SPOIL_MAIN)) $(B)/libtest.a $(B)/libserver.a $(CLIENT)

# Memory that runs out under AddressSanitizer too, see tests/fault/failing_malloc.h.
ifneq ($(findstring address,$(SAN)),)
$(B)/tests/fault/fault_server: LDFLAGS_of := $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc free)
endif

$(PROGRAMS) $(TEST_PROGRAMS) $(TOOL_PROGRAMS) $(BENCH_PROGRAMS) $(SPOIL_PROGRAMS):
	$(call link)
$(FUZZ_PROGRAMS):
	$(call link,-fsanitize=fuzzer)
$(B)/tests/simulation/simulate: LDFLAGS_all += $(addprefix -Wl$(comma)--wrap=,$(SIMULATION_WRAPS))

# The reactor that a page loads: every core function by name, and an allocator to pass bytes in and out.
build/wasm/core.wasm: build/wasm/libprivity.a $(DEPS_wasm)
	$(call say,LINK)
	$(Q)$(WASM_CC) -mexec-model=reactor $(LDFLAGS_wasm) -Wl,--whole-archive $< -Wl,--no-whole-archive $(LIBS_wasm) \
		$$(llvm-nm --defined-only --extern-only --just-symbol-name $< | sed -n 's/^pv_.*/-Wl,--export-if-defined=&/p') \
		-Wl,--export=malloc,--export=free,--strip-debug -o $@

build/wasm/%.wasm: build/wasm/%.o build/wasm/libtest.a build/wasm/libprivity.a $(DEPS_wasm)
	$(call say,LINK)
	$(Q)$(WASM_CC) $(LDFLAGS_wasm) $(filter %.o %.a,$^) $(LIBS_wasm) -o $@

# What prove runs for a wasm test.
build/wasm/%.t: build/wasm/%.wasm
	@printf '#!/bin/sh\nexec node tests/run-wasm.mjs %s "$$@"\n' $< >$@
	@chmod +x $@

-include $(patsubst %.c,$(B)/%.d,$(SOURCES) $(TEST_SOURCES))
-include $(patsubst %.c,build/wasm/%.d,$(CORE_SRC) $(CORE_WASM_SRC) $(TEST_WASM_SRC) $(WASM_TESTS) $(WASM_TOOLS))

# --- lists for ./dev -------------------------------------------------------------------------------------------------

.PHONY: print-tests print-wasm-tests print-fuzz print-sources print-test-sources
print-tests:
	@printf '%s\n' $(TEST_PROGRAMS) $(SPOIL_PROGRAMS)
print-wasm-tests:
	@printf '%s\n' $(WASM_PROGRAMS:.wasm=.t)
print-fuzz:
	@printf '%s\n' $(FUZZ_PROGRAMS)
print-sources:
	@printf '%s\n' $(SOURCES)
print-test-sources:
	@printf '%s\n' $(TEST_SOURCES)
