// Images as cuModuleLoadData gets them, however broken: containers, compressed entries, cubins, ELF files, several units to be
// linked. The input is read as it is, and once more with its sizes put right and as a compressed entry, as random bytes hardly
// ever get that far. Wrappers hold addresses, which no reader can check: they aren't tried.
#include "byte_fuzz.h"

#include "cli/elf_file.h"
#include "driver/fatbin.h"
#include "driver/merge_ptx.h"

#include <cstring>
#include <lz4.h>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

namespace anywarp::fuzz {

const std::vector<std::string>& words() {
    static const std::vector<std::string> list = {std::string("\x50\xed\x55\xba\x01\x00\x10\x00", 8),
                                                  std::string("\x7f" "ELF\x02\x01\x01", 7),
                                                  std::string("\x28\xb5\x2f\xfd", 4), // a zstd frame
                                                  std::string("\x01\x00\x01\x01\x40\x00\x00\x00", 8),
                                                  ".version 8.0\n.target sm_80\n.address_size 64\n",
                                                  ".visible .entry k()\n{\n    ret;\n}\n",
                                                  ".extern .func f;\n",
                                                  ".global .b32 g;\n"};
    return list;
}

} // namespace anywarp::fuzz

namespace {

using namespace anywarp;

void try_image(const uint8_t* data, size_t size) {
    uint32_t magic = 0;
    if (size >= 4) std::memcpy(&magic, data, 4);
    if (magic == driver::fatbin_wrapper_magic) return;
    // A piece of memory of exactly this size, so that ASAN sees every byte read beyond it.
    std::unique_ptr<uint8_t[]> copy(new uint8_t[size ? size : 1]);
    if (size) std::memcpy(copy.get(), data, size);
    if (auto entries = driver::read_fatbin(copy.get(), size))
        for (const driver::FatbinEntry& entry : *entries) (void)driver::unpack(entry);
    auto image = driver::read_image(copy.get(), size, 80);
    if (!image || image->ptx.empty()) return;
    std::vector<std::string> units = image->ptx;
    units.push_back(units[0]);
    units.push_back(".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry other()\n{\n    ret;\n}\n");
    (void)driver::merge_ptx(units);
}

/// A container around one entry.
std::string container(std::string payload, uint64_t flags, uint64_t unpacked, uint16_t kind) {
    size_t packed = payload.size();
    payload.resize((packed + 7) / 8 * 8);
    std::string s(16 + 64, '\0');
    auto put = [&](size_t at, uint64_t v, size_t n) { std::memcpy(&s[at], &v, n); };
    put(0, driver::fatbin_container_magic, 4);
    put(4, 1, 2);
    put(6, 16, 2);
    put(8, 64 + payload.size(), 8);
    put(16, kind, 2);
    put(20, 64, 4);
    put(24, payload.size(), 8);
    put(32, packed, 4);
    put(44, 80, 4);
    put(56, flags, 8);
    put(72, unpacked, 8);
    return s + payload;
}

void try_elf(const uint8_t* data, size_t size) {
    static int file = memfd_create("elf", 0);
    static const std::string path = "/proc/self/fd/" + std::to_string(file);
    if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != ssize_t(size)) return;
    (void)cli::read_elf(path);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size > 65536) return 0;
    try_image(data, size);
    try_elf(data, size);
    std::string text(reinterpret_cast<const char*>(data), size);
    uint64_t claimed = size >= 8 ? (uint64_t(data[0]) | uint64_t(data[size / 2]) << 8 | uint64_t(data[size - 1] & 3) << 16) : size;
    auto with = [](const std::string& s) { try_image(reinterpret_cast<const uint8_t*>(s.data()), s.size()); };
    with(container(text, 0x2000, claimed, 1)); // the input as damaged LZ4 and zstd data
    with(container(text, 0x8000, claimed, 1));
    // Sound compression, of what the input says.
    std::string packed(size_t(LZ4_compressBound(int(size))), '\0');
    packed.resize(size_t(LZ4_compress_default(text.data(), packed.data(), int(size), int(packed.size()))));
    with(container(packed, 0x2000, size, 1));
    std::string frame(ZSTD_compressBound(size), '\0');
    frame.resize(ZSTD_compress(frame.data(), frame.size(), text.data(), size, 1));
    with(container(frame, 0x8000, size, 1));
    with(container(text, 0, 0, 1));
    with(container(text, 0, 0, 2));
    return 0;
}
