/* A progress bar for people: on standard error, and only on a terminal. */
#include <string.h>
#include <unistd.h>

#include "cli/files.h"
#include "cli/output.h"
#include "client/system.h"

enum { BAR = 30, EVERY_MS = 100 };

static void show(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    struct pv_cli_progress *progress = context;
    char bar[BAR + 1], size[PV_OUT_SIZE_BYTES];
    uint64_t now_ms = pv_system_ticks_ms();
    size_t full;

    if (now_ms - progress->shown_at_ms < EVERY_MS) return;
    progress->shown_at_ms = now_ms;
    progress->shown = true;
    if (total_bytes < done_bytes) total_bytes = done_bytes;
    full = total_bytes ? (size_t)(done_bytes * BAR / total_bytes) : 0;
    memset(bar, '#', full);
    memset(bar + full, ' ', BAR - full);
    bar[BAR] = '\0';
    pv_out_size(done_bytes, size);
    fprintf(stderr, "\r%s [%s] %3u%% %s   ", progress->what, bar, (unsigned)(total_bytes ? done_bytes * 100 / total_bytes : 0), size);
    fflush(stderr);
}

struct pv_progress pv_cli_progress_begin(struct pv_cli_progress *progress, const char *what)
{
    *progress = (struct pv_cli_progress){.what = what, .shown_at_ms = pv_system_ticks_ms()};
    return (struct pv_progress){isatty(STDERR_FILENO) ? show : NULL, progress};
}

void pv_cli_progress_end(struct pv_cli_progress *progress)
{
    if (progress->shown) fputs("\r\033[K", stderr);
}
