// A tour of what WASI gives to a program: nothing but the C library, nothing of Atoll.
//
// `tour args WORD...`, `tour upper`, `tour files`, `tour times`, `tour random`, `tour exit CODE`,
// `tour keep FILE TEXT`, `tour show FILE`. The program of the same name in Rust says the same.

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LARGE = 100000, PIECE = 7001 };

extern char **environ;

static int by_text(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

// What it was called with, and its environment in the order of the names.
static bool arguments(int count, char **words) {
    printf("arguments: ");
    for (int i = 2; i < count; i++) {
        printf("%s%s", i > 2 ? "," : "", words[i]);
    }
    printf("\n");
    size_t variables = 0;
    while (environ != NULL && environ[variables] != NULL) {
        variables++;
    }
    qsort(environ, variables, sizeof *environ, by_text);
    for (size_t i = 0; i < variables; i++) {
        printf("%s\n", environ[i]);
    }
    return true;
}

// Each line of the input in capitals, and on the other stream how many there were.
static bool upper(void) {
    char line[256];
    int count = 0;
    while (fgets(line, sizeof line, stdin) != NULL) {
        for (char *letter = line; *letter != '\0'; letter++) {
            *letter = (char)toupper((unsigned char)*letter);
        }
        fputs(line, stdout);
        count++;
    }
    fflush(stdout);
    fprintf(stderr, "%d lines\n", count);
    return true;
}

static bool check(const char *what, bool is_right) {
    if (is_right) {
        printf("%s: right\n", what);
    } else {
        fflush(stdout);
        fprintf(stderr, "tour: %s: wrong (%s)\n", what, strerror(errno));
    }
    return is_right;
}

// Whether a file has these bytes and no others.
static bool has(const char *path, const void *wanted, size_t length) {
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(length + 1);
    bool same = file != NULL && bytes != NULL && fread(bytes, 1, length + 1, file) == length &&
                memcmp(bytes, wanted, length) == 0;
    free(bytes);
    return file != NULL && fclose(file) == 0 && same;
}

static bool put(const char *path, const char *mode, const char *text) {
    FILE *file = fopen(path, mode);
    bool done = file != NULL && fputs(text, file) >= 0;
    return file != NULL && fclose(file) == 0 && done;
}

static bool contents(const char *path) {
    struct stat data;
    FILE *file = fopen(path, "w+");
    if (file == NULL || fputs("one two three", file) < 0 || fflush(file) != 0) {
        return check("opened to be written", false);
    }
    if (!check("size after a write", fstat(fileno(file), &data) == 0 && data.st_size == 13) ||
        !check("read by another", has(path, "one two three", 13))) {
        return false;
    }
    bool done = fseek(file, 4, SEEK_SET) == 0 && fputs("TWO", file) >= 0;
    if (fclose(file) != 0 || !done || !put(path, "a", " four") ||
        !check("overwritten and appended", has(path, "one TWO three four", 18))) {
        return false;
    }
    int number = open(path, O_RDWR);
    done = ftruncate(number, 7) == 0 && lseek(number, 3, SEEK_END) == 10 &&
           write(number, "x", 1) == 1 && fsync(number) == 0;
    if (!check("cut, and a hole", done && has(path, "one TWO\0\0\0x", 11))) {
        return false;
    }
    struct timespec then[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    done = futimens(number, then) == 0 && fstat(number, &data) == 0 &&
           data.st_mtim.tv_sec == 1000000000;
    return close(number) == 0 && check("the time that was set", done);
}

// More than any pipe holds, in pieces of odd sizes.
static bool large(const char *path) {
    static unsigned char bytes[LARGE];
    for (unsigned n = 0; n < LARGE; n++) {
        bytes[n] = (unsigned char)(n * n >> 5);
    }
    FILE *file = fopen(path, "wb");
    bool done = file != NULL;
    for (size_t at = 0; done && at < LARGE; at += PIECE) {
        size_t count = LARGE - at < PIECE ? LARGE - at : PIECE;
        done = fwrite(bytes + at, 1, count, file) == count;
    }
    if (file == NULL || fclose(file) != 0 || !check("many bytes", done && has(path, bytes, LARGE))) {
        return false;
    }
    unsigned char some[999];
    int number = open(path, O_RDONLY);
    done = pread(number, some, sizeof some, 50001) == (ssize_t)sizeof some &&
           memcmp(some, bytes + 50001, sizeof some) == 0;
    return close(number) == 0 && check("bytes from the middle", done);
}

static bool entries(const char *folder) {
    char found[4][32];
    char *names[4];
    int count = 0;
    DIR *list = opendir(folder);
    for (struct dirent *entry; list != NULL && count < 4 && (entry = readdir(list)) != NULL;) {
        if (entry->d_name[0] != '.') {
            const char *mark = entry->d_type == DT_DIR ? "/" : "";
            snprintf(found[count], sizeof found[count], "%s%s", entry->d_name, mark);
            names[count] = found[count];
            count++;
        }
    }
    if (list == NULL || closedir(list) != 0) {
        return check("entries", false);
    }
    qsort(names, (size_t)count, sizeof *names, by_text);
    printf("entries:");
    for (int i = 0; i < count; i++) {
        printf(" %s", names[i]);
    }
    printf("\n");
    return true;
}

static bool names(void) {
    bool done = mkdir("/tour/deep", 0777) == 0 && mkdir("/tour/deep/er", 0777) == 0 &&
                put("/tour/deep/er/note", "w", "kept") &&
                link("/tour/deep/er/note", "/tour/also") == 0 &&
                rename("/tour/deep", "/tour/moved") == 0;
    return check("renamed with all in it", done && has("/tour/moved/er/note", "kept", 4)) &&
           entries("/tour") && unlink("/tour/moved/er/note") == 0 &&
           check("the other name", has("/tour/also", "kept", 4));
}

// Whether a call failed for that reason.
static bool failed(int result, int reason) {
    return result == -1 && errno == reason;
}

static bool mistakes(void) {
    return check("what is missing", failed(open("/tour/missing", O_RDONLY), ENOENT)) &&
           check("what is there already", failed(mkdir("/tour", 0777), EEXIST)) &&
           check("a directory that is not empty", failed(rmdir("/tour"), ENOTEMPTY)) &&
           check("the way out", failed(open("/../etc/passwd", O_RDONLY), EPERM));
}

// Everything that there is to do with files, in a directory of its own that is gone afterwards.
static bool files(void) {
    if (mkdir("/tour", 0777) != 0) {
        return check("a directory of its own", false);
    }
    if (!contents("/tour/contents") || !large("/tour/large") || !names() || !mistakes()) {
        return false;
    }
    bool done = unlink("/tour/contents") == 0 && unlink("/tour/large") == 0 &&
                unlink("/tour/also") == 0 && rmdir("/tour/moved/er") == 0 &&
                rmdir("/tour/moved") == 0 && rmdir("/tour") == 0;
    return check("nothing is left", done && access("/tour", F_OK) == -1);
}

static bool times(void) {
    struct timespec before, after, pause = {.tv_nsec = 20000000};
    clock_gettime(CLOCK_MONOTONIC, &before);
    nanosleep(&pause, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long long passed = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
    return check("a pause", passed >= 20000000) &&
           check("the year is not long ago", time(NULL) > 1700000000);
}

static bool random_numbers(void) {
    unsigned char numbers[2][16];
    bool done = getentropy(numbers[0], 16) == 0 && getentropy(numbers[1], 16) == 0;
    return check("random numbers", done && memcmp(numbers[0], numbers[1], 16) != 0);
}

static bool keep(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    bool done = file != NULL && fprintf(file, "%s\n", text) > 0;
    return file != NULL && fclose(file) == 0 && done;
}

static bool show(const char *path) {
    char bytes[512];
    size_t count;
    FILE *file = fopen(path, "r");
    while (file != NULL && (count = fread(bytes, 1, sizeof bytes, file)) > 0) {
        fwrite(bytes, 1, count, stdout);
    }
    return file != NULL && fclose(file) == 0;
}

int main(int count, char **words) {
    const char *part = count > 1 ? words[1] : "";
    bool done = false;
    if (strcmp(part, "args") == 0) {
        done = arguments(count, words);
    } else if (strcmp(part, "upper") == 0) {
        done = upper();
    } else if (strcmp(part, "files") == 0) {
        done = files();
    } else if (strcmp(part, "times") == 0) {
        done = times();
    } else if (strcmp(part, "random") == 0) {
        done = random_numbers();
    } else if (strcmp(part, "exit") == 0 && count == 3) {
        exit(atoi(words[2]));
    } else if (strcmp(part, "keep") == 0 && count == 4) {
        done = keep(words[2], words[3]);
    } else if (strcmp(part, "show") == 0 && count == 3) {
        done = show(words[2]);
    }
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
