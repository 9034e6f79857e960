/* pv-vectors SET DIR: run foreign test vectors and count what held. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/crypto/keys.h"
#include "tests/vectors/vectors.h"

enum { DEPTH_MAX = 32 };

static const struct set {
    const char *name;
    void (*run)(const json_t *root, const char *path, struct vectors_tally *tally);
} sets[] = {
    {"merkle-inclusion", vectors_run_inclusion},
    {"merkle-consistency", vectors_run_consistency},
    {"wycheproof", vectors_run_wycheproof},
    {"xwing", vectors_run_xwing},
};

void vectors_count(struct vectors_tally *tally, enum vectors_outcome outcome, const char *path, const char *name)
{
    if (outcome == VECTORS_PASSED) {
        tally->passed++;
    } else if (outcome == VECTORS_OUTSIDE) {
        tally->outside++;
    } else {
        tally->failed++;
        printf("failed: %s: %s\n", path, name);
    }
}

static void run_file(const struct set *set, const char *path, struct vectors_tally *tally)
{
    json_t *root = vectors_load(path);
    if (root) set->run(root, path, tally);
    else vectors_count(tally, VECTORS_FAILED, path, "a file that cannot be read as JSON");
    json_decref(root);
}

static bool ends_in_json(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".json") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted, so that every run says the same. The caller frees; NULL if it cannot be read. */
static char **list(const char *dir, size_t *ret_count)
{
    DIR *stream = opendir(dir);
    char **names = NULL;
    size_t count = 0;
    struct dirent *entry;
    if (!stream) return NULL;
    while ((entry = readdir(stream))) {
        char **more = realloc(names, (count + 2) * sizeof *names);
        if (!more) abort();
        names = more;
        names[count] = strdup(entry->d_name);
        if (!names[count++]) abort();
    }
    (void)closedir(stream);
    if (count) qsort(names, count, sizeof *names, by_name);
    *ret_count = count;
    return names;
}

static void run_dir(const struct set *set, const char *dir, unsigned depth, struct vectors_tally *tally)
{
    size_t count = 0;
    char **names = depth < DEPTH_MAX ? list(dir, &count) : NULL;
    if (!names) {
        fprintf(stderr, "pv-vectors: %s: cannot be read as a folder\n", dir);
        vectors_count(tally, VECTORS_FAILED, dir, "a folder that cannot be read");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(dir) + 1 + strlen(names[i]) + 1;
        char *path = malloc(n);
        struct stat link, target;
        if (!path) abort();
        snprintf(path, n, "%s/%s", dir, names[i]);
        bool self = strcmp(names[i], ".") == 0 || strcmp(names[i], "..") == 0;
        /* Links to folders are not followed: they may lead in a circle. */
        if (!self && lstat(path, &link) == 0 && S_ISDIR(link.st_mode)) run_dir(set, path, depth + 1, tally);
        else if (!self && ends_in_json(path) && !(stat(path, &target) == 0 && S_ISDIR(target.st_mode)))
            run_file(set, path, tally);
        free(path);
        free(names[i]);
    }
    free(names);
}

static int usage(void)
{
    fputs("usage: pv-vectors SET DIR\n\nsets:", stderr);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) fprintf(stderr, " %s", sets[i].name);
    fputs("\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const struct set *set = NULL;
    struct vectors_tally tally = {0, 0, 0};
    if (argc != 3) return usage();
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (strcmp(argv[1], sets[i].name) == 0) set = &sets[i];
    if (!set) {
        fprintf(stderr, "pv-vectors: there is no set %s\n", argv[1]);
        return usage();
    }
    if (pv_crypto_init()) return 1;
    run_dir(set, argv[2], 0, &tally);
    if (tally.passed + tally.failed == 0) fprintf(stderr, "pv-vectors: %s: no case that we can run\n", argv[2]);
    printf("skipped outside parameters: %lu\n", tally.outside);
    printf("%lu passed, %lu failed\n", tally.passed, tally.failed);
    return tally.passed > 0 && tally.failed == 0 ? 0 : 1;
}
