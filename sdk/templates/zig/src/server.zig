//! The server `{{name}}`: a lamp with bulbs that can be dimmed.

const std = @import("std");
const wit = @import("bindings");

const allocator = std.heap.c_allocator;

/// What a handle of a client stands for.
const Bulb = struct {
    percent: u32 = 0,
    name: []const u8,

    const brightest = 100;
    const name_max = 64;

    fn create(name: []const u8) !*Bulb {
        const bulb = try allocator.create(Bulb);
        errdefer allocator.destroy(bulb);
        bulb.* = .{ .name = try allocator.dupe(u8, cut(name)) };
        return bulb;
    }

    fn destroy(bulb: *Bulb) void {
        allocator.free(bulb.name);
        allocator.destroy(bulb);
    }

    fn set(bulb: *Bulb, percent: u32) error{TooBright}!u32 {
        if (percent > brightest) return error.TooBright;
        defer bulb.percent = percent;
        return bulb.percent;
    }

    /// As much of the text as fits, without cutting a letter of UTF-8 in two.
    fn cut(text: []const u8) []const u8 {
        if (text.len <= name_max) return text;
        var length: usize = name_max;
        while (length > 0 and text[length] & 0xc0 == 0x80) length -= 1;
        return text[0..length];
    }
};

fn blink(pattern: []const u8) error{Dark}!u32 {
    var tenths: u32 = 0;
    for (pattern) |flash| tenths += flash;
    return if (tenths == 0) error.Dark else tenths;
}

// From here on, what the bindings want: functions of C, by the names of the interfaces.

const Error = wit.exports_atoll_samples_lamp_error_t;
const Handle = wit.exports_atoll_samples_lamp_borrow_bulb_t;

export fn exports_atoll_lifecycle_start_start(_: *wit.server_string_t) bool {
    var text: wit.server_string_t = undefined;
    wit.server_string_set(&text, "a lamp made in Zig");
    wit.atoll_log_log_write(wit.ATOLL_LOG_TYPES_LEVEL_INFO, &text);
    return true;
}

export fn exports_atoll_samples_lamp_maker(maker: *wit.server_string_t) void {
    wit.server_string_dup(maker, "Zig");
}

export fn exports_atoll_samples_lamp_blink(pattern: *wit.server_list_u8_t, tenths: *u32, err: *Error) bool {
    defer wit.server_list_u8_free(pattern);
    tenths.* = blink(pattern.ptr[0..pattern.len]) catch |failure| switch (failure) {
        error.Dark => {
            err.tag = wit.EXPORTS_ATOLL_SAMPLES_LAMP_ERROR_DARK;
            return false;
        },
    };
    return true;
}

export fn exports_atoll_samples_lamp_constructor_bulb(name: *wit.server_string_t) wit.exports_atoll_samples_lamp_own_bulb_t {
    defer wit.server_string_free(name);
    // Without memory the server ends and is restarted.
    const bulb = Bulb.create(name.ptr[0..name.len]) catch @trap();
    return wit.exports_atoll_samples_lamp_bulb_new(@ptrCast(bulb));
}

export fn exports_atoll_samples_lamp_bulb_destructor(handle: Handle) void {
    bulbOf(handle).destroy();
}

export fn exports_atoll_samples_lamp_method_bulb_name(handle: Handle, name: *wit.server_string_t) void {
    const bulb = bulbOf(handle);
    wit.server_string_dup_n(name, bulb.name.ptr, bulb.name.len);
}

export fn exports_atoll_samples_lamp_method_bulb_set(handle: Handle, percent: u32, before: *u32, err: *Error) bool {
    before.* = bulbOf(handle).set(percent) catch |failure| switch (failure) {
        error.TooBright => {
            err.tag = wit.EXPORTS_ATOLL_SAMPLES_LAMP_ERROR_TOO_BRIGHT;
            err.val.too_bright = percent - Bulb.brightest;
            return false;
        },
    };
    return true;
}

export fn exports_atoll_samples_lamp_method_bulb_brightness(handle: Handle) u32 {
    return bulbOf(handle).percent;
}

fn bulbOf(handle: Handle) *Bulb {
    return @ptrCast(@alignCast(handle.?));
}
