// The server `{{name}}`: a lamp with bulbs that can be dimmed.

#include "server_cpp.h"
#include <numeric>
#include <utility>

namespace bindings::exports::atoll::lifecycle::start {

std::expected<void, wit::string> Start() {
    bindings::atoll::log::log::Write(bindings::atoll::log::log::Level::kInfo, "a lamp made in C++");
    return {};
}

} // namespace bindings::exports::atoll::lifecycle::start

namespace bindings::exports::atoll::samples::lamp {

namespace {

constexpr uint32_t brightest = 100;
// Bytes that a bulb's name may have.
constexpr size_t name_max = 64;

// As much of the text as fits, without cutting a letter of UTF-8 in two.
std::string_view cut(std::string_view text) {
    size_t length = text.size();
    if (length > name_max) {
        length = name_max;
        while (length > 0 && (text[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    return text.substr(0, length);
}

} // namespace

wit::string Maker() { return wit::string::from_view("C++"); }

std::expected<uint32_t, Error> Blink(wit::vector<uint8_t> pattern) {
    const auto flashes = pattern.get_const_view();
    const auto tenths = std::accumulate(flashes.begin(), flashes.end(), uint32_t{0});
    if (tenths == 0) {
        return std::unexpected(Error{Error::Dark{}});
    }
    return tenths;
}

Bulb::Bulb(wit::string name) : name(cut(name.get_view())) {}

wit::string Bulb::Name() const { return wit::string::from_view(name); }

std::expected<uint32_t, Error> Bulb::Set(uint32_t percent) {
    if (percent > brightest) {
        return std::unexpected(Error{Error::TooBright{percent - brightest}});
    }
    return std::exchange(this->percent, percent);
}

} // namespace bindings::exports::atoll::samples::lamp
