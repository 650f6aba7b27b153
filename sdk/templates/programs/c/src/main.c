// The program `{{name}}`: counts the lines, words and bytes of files, or of what it is given to read.

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Prints the counts of a file; 0, or the exit code if it could not be read.
static int show(const char *name, FILE *file) {
    unsigned long lines = 0, words = 0, bytes = 0;
    int in_word = 0, c;
    while ((c = getc(file)) != EOF) {
        bytes++;
        lines += c == '\n';
        words += !in_word && !isspace(c);
        in_word = !isspace(c);
    }
    if (ferror(file)) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        return EXIT_FAILURE;
    }
    printf("%lu lines, %lu words, %lu bytes%s%s\n", lines, words, bytes, *name ? " " : "", name);
    return EXIT_SUCCESS;
}

int main(int count, char **arguments) {
    if (count < 2) {
        return show("", stdin);
    }
    int code = EXIT_SUCCESS;
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(arguments[i], "r");
        if (!file) {
            fprintf(stderr, "%s: %s\n", arguments[i], strerror(errno));
            code = EXIT_FAILURE;
            continue;
        }
        code = show(arguments[i], file) ? EXIT_FAILURE : code;
        fclose(file);
    }
    return code;
}
