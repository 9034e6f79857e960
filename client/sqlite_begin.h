/* SQLite's beginning, made safe where memory runs out in it. */
#ifndef PV_CLIENT_SQLITE_BEGIN_H
#define PV_CLIENT_SQLITE_BEGIN_H

#include "core/base/err.h"

/* Before the first database is opened, by the thread that opens it; again is no harm. Errors: NOMEM, IO. */
PV_MUST_USE enum pv_err pv_sqlite_begin_once(void);

#endif
