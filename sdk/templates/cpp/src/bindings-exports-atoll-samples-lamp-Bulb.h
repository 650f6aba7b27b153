// What a handle of a client stands for. The bindings include this header by its name.

#pragma once

#include "wit.h"
#include <cstdint>
#include <expected>
#include <string>

namespace bindings::exports::atoll::samples::lamp {

// The bindings', from the interface.
struct Error;

class Bulb : public wit::ResourceExportBase<Bulb> {
public:
    static Owned New(wit::string name) { return Owned(new Bulb(std::move(name))); }
    static void Dtor(Bulb *bulb) { delete bulb; }

    wit::string Name() const;
    std::expected<uint32_t, Error> Set(uint32_t percent);
    uint32_t Brightness() const { return percent; }

    // The bindings define these.
    static int32_t ResourceNew(Bulb *bulb);
    static Bulb *ResourceRep(int32_t handle);
    static void ResourceDrop(int32_t handle);

private:
    explicit Bulb(wit::string name);

    std::string name;
    uint32_t percent = 0;
};

} // namespace bindings::exports::atoll::samples::lamp
