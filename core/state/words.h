/* What the full-text index is asked. Internal to core/state; pv_fold_index_words keeps it. */
#ifndef PV_STATE_WORDS_H
#define PV_STATE_WORDS_H

#include "core/state/store.h"

enum { PV_WORDS_BYTES_MAX = 1024 };

/* Append the index's expression for texts in which every one of `words` begins a word. The index's own tokenizer takes
 * them apart, so nothing in them means anything to it. Errors: MALFORMED (not UTF-8, no word), LIMIT. */
PV_MUST_USE enum pv_err pv_words_match(struct pv_store *store, struct pv_bytes words, struct pv_buf *match);

#endif
