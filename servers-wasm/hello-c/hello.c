// The program `hello-c`: `hello` again, in C and without a C library.
//
// `hello-c [--exit CODE] [--stdin] [NAME ...]` greets the names, or the world, and with --stdin
// each line of its input; it ends with the exit code asked for.

#include "program.h"
#include <string.h>

enum { EXIT_USAGE = 2, READ_SIZE = 1024 };

typedef struct {
    uint8_t exit_code;
    bool reads_input;
    // Arguments that are names, in the list of all arguments.
    size_t name_count;
    program_string_t *names;
} request;

static bool is_text(program_string_t text, const char *wanted) {
    size_t length = strlen(wanted);
    return text.len == length && memcmp(text.ptr, wanted, length) == 0;
}

// Reads a number from 0 to 255.
static bool parse_code(program_string_t text, uint8_t *code) {
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || value > 25) {
            return false;
        }
        value = value * 10 + (text.ptr[i] - '0');
    }
    *code = (uint8_t)value;
    return text.len > 0 && value <= UINT8_MAX;
}

// Understands the arguments after the program's name; the names are moved to the front of the
// list. Returns what is wrong, or NULL.
static const char *parse(program_list_string_t *arguments, request *wanted) {
    wanted->names = arguments->ptr;
    for (size_t i = 1; i < arguments->len; i++) {
        program_string_t argument = arguments->ptr[i];
        if (is_text(argument, "--exit")) {
            i++;
            if (i == arguments->len || !parse_code(arguments->ptr[i], &wanted->exit_code)) {
                return "hello-c: --exit needs a number from 0 to 255\n";
            }
        } else if (is_text(argument, "--stdin")) {
            wanted->reads_input = true;
        } else if (argument.len > 0 && argument.ptr[0] == '-') {
            return "hello-c: unknown option; "
                   "usage: hello-c [--exit CODE] [--stdin] [NAME ...]\n";
        } else {
            wanted->names[wanted->name_count++] = argument;
        }
    }
    return NULL;
}

// Writes up to 4,096 bytes.
static bool print_bytes(wasi_io_streams_borrow_output_stream_t output, uint8_t *bytes, size_t count) {
    program_list_u8_t contents = {bytes, count};
    wasi_io_streams_stream_error_t error;
    if (wasi_io_streams_method_output_stream_blocking_write_and_flush(output, &contents, &error)) {
        return true;
    }
    wasi_io_streams_stream_error_free(&error);
    return false;
}

static bool print(wasi_io_streams_borrow_output_stream_t output, const char *text) {
    return print_bytes(output, (uint8_t *)text, strlen(text));
}

static bool greet(wasi_io_streams_borrow_output_stream_t output, program_string_t *names,
                  size_t count) {
    bool done = print(output, "Hello, ");
    for (size_t i = 0; i < count && done; i++) {
        const char *joint = i == 0 ? "" : i + 1 == count ? " and " : ", ";
        done = print(output, joint) && print_bytes(output, names[i].ptr, names[i].len);
    }
    return done && (count > 0 || print(output, "world")) && print(output, "!\n");
}

// Greets each line of the input. A line that is cut by READ_SIZE is greeted in pieces.
static bool greet_lines(wasi_io_streams_borrow_output_stream_t output) {
    wasi_cli_stdin_own_input_stream_t input = wasi_cli_stdin_get_stdin();
    wasi_io_streams_borrow_input_stream_t source = wasi_io_streams_borrow_input_stream(input);
    bool done = true;
    program_list_u8_t piece;
    wasi_io_streams_stream_error_t error;
    while (done && wasi_io_streams_method_input_stream_blocking_read(source, READ_SIZE, &piece, &error)) {
        size_t start = 0;
        for (size_t i = 0; i < piece.len && done; i++) {
            bool is_end = piece.ptr[i] == '\n';
            if (is_end || i + 1 == piece.len) {
                program_string_t line = {piece.ptr + start, i + !is_end - start};
                done = greet(output, &line, 1);
                start = i + 1;
            }
        }
        program_list_u8_free(&piece);
    }
    if (done) {
        wasi_io_streams_stream_error_free(&error);
    }
    wasi_io_streams_input_stream_drop_own(input);
    return done;
}

static bool run(wasi_io_streams_borrow_output_stream_t output, request *wanted) {
    return greet(output, wanted->names, wanted->name_count) &&
           (!wanted->reads_input || greet_lines(output));
}

bool exports_wasi_cli_run_run(void) {
    program_list_string_t arguments;
    wasi_cli_environment_get_arguments(&arguments);
    request wanted = {0};
    const char *mistake = parse(&arguments, &wanted);
    if (mistake != NULL) {
        wasi_cli_stderr_own_output_stream_t errors = wasi_cli_stderr_get_stderr();
        print(wasi_io_streams_borrow_output_stream(errors), mistake);
        wasi_cli_exit_exit_with_code(EXIT_USAGE);
        return false;
    }
    wasi_cli_stdout_own_output_stream_t output = wasi_cli_stdout_get_stdout();
    bool done = run(wasi_io_streams_borrow_output_stream(output), &wanted);
    wasi_io_streams_output_stream_drop_own(output);
    if (done && wanted.exit_code != 0) {
        wasi_cli_exit_exit_with_code(wanted.exit_code);
    }
    return done;
}
