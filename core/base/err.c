/* The error table's look-ups. */
#include "core/base/err.h"

#include <string.h>

static const struct {
    int exit_status;
    unsigned http_status;
    const char *web_name;
    const char *text;
} table[] = {
#define PV_ERR_ROW(code, exit_status, http, web, text) [code] = {exit_status, http, web, text},
    PV_ERR_TABLE(PV_ERR_ROW)
#undef PV_ERR_ROW
};

#define TABLE_LEN (sizeof table / sizeof *table)

const char *pv_err_text(enum pv_err err)
{
    return (size_t)err < TABLE_LEN ? table[err].text : "unknown error";
}

const char *pv_err_web_name(enum pv_err err)
{
    return (size_t)err < TABLE_LEN ? table[err].web_name : "unknown";
}

int pv_err_exit_status(enum pv_err err)
{
    return (size_t)err < TABLE_LEN ? table[err].exit_status : 1;
}

unsigned pv_err_http_status(enum pv_err err)
{
    return (size_t)err < TABLE_LEN ? table[err].http_status : 500;
}

enum pv_err pv_err_from_web_name(const char *name)
{
    for (size_t i = 0; i < TABLE_LEN; i++)
        if (strcmp(table[i].web_name, name) == 0) return (enum pv_err)i;
    return PV_ERR_MALFORMED;
}
