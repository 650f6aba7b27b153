// The server `tally` in C, with wasi-libc.

#include "tally.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 1000000000 };

struct exports_atoll_testing_tally_account_t {
    uint32_t sum;
};

static uint32_t total(const tally_list_u8_t *data) {
    uint32_t sum = 0;
    for (size_t i = 0; i < data->len; i++) {
        sum += data->ptr[i];
    }
    return sum;
}

void exports_atoll_testing_tally_language(tally_string_t *ret) {
    tally_string_t text;
    tally_string_set(&text, "C speaking");
    atoll_log_log_write(ATOLL_LOG_TYPES_LEVEL_INFO, &text);
    tally_string_dup(ret, "C");
}

bool exports_atoll_testing_tally_sum(tally_list_u8_t *data, uint32_t *ret, tally_string_t *err) {
    bool is_empty = data->len == 0;
    if (is_empty) {
        tally_string_dup(err, "nothing to add");
    } else {
        *ret = total(data);
    }
    tally_list_u8_free(data);
    return !is_empty;
}

static bool number_of(const tally_string_t *text, uint32_t *number) {
    uint64_t value = 0;
    for (size_t i = 0; i < text->len; i++) {
        if (!isdigit(text->ptr[i]) || value > LARGEST) {
            return false;
        }
        value = value * 10 + (text->ptr[i] - '0');
    }
    *number = (uint32_t)value;
    return text->len > 0 && value <= LARGEST;
}

bool exports_atoll_testing_tally_parse(tally_string_t *text, uint32_t *ret, tally_string_t *err) {
    static const char complaint[] = "not a number: ";
    bool is_number = number_of(text, ret);
    if (!is_number) {
        size_t prefix = strlen(complaint);
        err->len = prefix + text->len;
        err->ptr = malloc(err->len);
        if (err->ptr == NULL) {
            abort();
        }
        memcpy(err->ptr, complaint, prefix);
        memcpy(err->ptr + prefix, text->ptr, text->len);
    }
    tally_string_free(text);
    return is_number;
}

exports_atoll_testing_tally_own_account_t
exports_atoll_testing_tally_constructor_account(uint32_t start) {
    exports_atoll_testing_tally_account_t *account = malloc(sizeof *account);
    if (account == NULL) {
        abort();
    }
    account->sum = start;
    return exports_atoll_testing_tally_account_new(account);
}

bool exports_atoll_testing_tally_method_account_add(
    exports_atoll_testing_tally_borrow_account_t self, tally_list_u8_t *data, uint32_t *ret,
    tally_string_t *err) {
    uint32_t more = total(data);
    tally_list_u8_free(data);
    if (more > LARGEST || self->sum > LARGEST - more) {
        tally_string_dup(err, "overflow");
        return false;
    }
    self->sum += more;
    *ret = self->sum;
    return true;
}

uint32_t exports_atoll_testing_tally_method_account_total(
    exports_atoll_testing_tally_borrow_account_t self) {
    return self->sum;
}

void exports_atoll_testing_tally_account_destructor(exports_atoll_testing_tally_account_t *rep) {
    free(rep);
}
