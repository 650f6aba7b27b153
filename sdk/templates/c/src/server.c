// The server `{{name}}`: a lamp with bulbs that can be dimmed.

#include "server.h"
#include <stdlib.h>
#include <string.h>

enum { BRIGHTEST = 100, NAME_MAX = 64 };

// What a handle of a client stands for.
struct exports_atoll_samples_lamp_bulb_t {
    uint32_t percent;
    size_t name_length;
    char name[NAME_MAX];
};

bool exports_atoll_lifecycle_start_start(server_string_t *error) {
    (void)error;
    server_string_t text;
    server_string_set(&text, "a lamp made in C");
    atoll_log_log_write(ATOLL_LOG_TYPES_LEVEL_INFO, &text);
    return true;
}

void exports_atoll_samples_lamp_maker(server_string_t *maker) { server_string_dup(maker, "C"); }

bool exports_atoll_samples_lamp_blink(server_list_u8_t *pattern, uint32_t *tenths,
                                      exports_atoll_samples_lamp_error_t *error) {
    *tenths = 0;
    for (size_t i = 0; i < pattern->len; i++) {
        *tenths += pattern->ptr[i];
    }
    server_list_u8_free(pattern);
    error->tag = EXPORTS_ATOLL_SAMPLES_LAMP_ERROR_DARK;
    return *tenths > 0;
}

// Bytes of the text that fit, without cutting a letter of UTF-8 in two.
static size_t cut(const server_string_t *text) {
    size_t length = text->len;
    if (length > NAME_MAX) {
        length = NAME_MAX;
        while (length > 0 && (text->ptr[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    return length;
}

exports_atoll_samples_lamp_own_bulb_t
exports_atoll_samples_lamp_constructor_bulb(server_string_t *name) {
    exports_atoll_samples_lamp_bulb_t *bulb = malloc(sizeof *bulb);
    if (bulb == NULL) {
        abort();
    }
    bulb->percent = 0;
    bulb->name_length = cut(name);
    memcpy(bulb->name, name->ptr, bulb->name_length);
    server_string_free(name);
    return exports_atoll_samples_lamp_bulb_new(bulb);
}

void exports_atoll_samples_lamp_bulb_destructor(exports_atoll_samples_lamp_bulb_t *bulb) {
    free(bulb);
}

void exports_atoll_samples_lamp_method_bulb_name(exports_atoll_samples_lamp_borrow_bulb_t bulb,
                                                 server_string_t *name) {
    server_string_dup_n(name, bulb->name, bulb->name_length);
}

bool exports_atoll_samples_lamp_method_bulb_set(exports_atoll_samples_lamp_borrow_bulb_t bulb,
                                                uint32_t percent, uint32_t *before,
                                                exports_atoll_samples_lamp_error_t *error) {
    if (percent > BRIGHTEST) {
        error->tag = EXPORTS_ATOLL_SAMPLES_LAMP_ERROR_TOO_BRIGHT;
        error->val.too_bright = percent - BRIGHTEST;
        return false;
    }
    *before = bulb->percent;
    bulb->percent = percent;
    return true;
}

uint32_t exports_atoll_samples_lamp_method_bulb_brightness(
    exports_atoll_samples_lamp_borrow_bulb_t bulb) {
    return bulb->percent;
}
