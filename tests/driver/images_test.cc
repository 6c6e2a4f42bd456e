// Fat binaries: written by our own writer, read back; truncated and mutated ones must be refused without a crash. Linking of
// separately compiled PTX. The digest of the runtime's handshake, against RFC 1319's test values by way of HMAC's definition.

#include "driver/export_table.h"
#include "driver/fatbin.h"
#include "driver/host_object.h"
#include "driver/merge_ptx.h"
#include "fatbin_writer.h"
#include "ptx/ast.h"

#include <cstdio>
#include <elf.h>
#include <gtest/gtest.h>
#include <random>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

const std::string ptx =
    ".version 8.0\n.target sm_75\n.address_size 64\n.visible .entry k() { ret; }\n// " + std::string(300, 'x') + "\n";

TEST(Fatbin, ChoosesTheHighestArchitectureThatTheDeviceRuns) {
    auto file = write_fatbin({{1, 75, "// 75\n" + ptx}, {1, 80, "// 80\n" + ptx}, {1, 90, "// 90\n" + ptx}, {2, 80, "cubin"}});
    auto image = read_image(file.data(), file.size(), 80);
    ASSERT_TRUE(image) << image.error().message;
    ASSERT_EQ(image->ptx.size(), 1u);
    EXPECT_EQ(image->ptx[0], "// 80\n" + ptx);
    EXPECT_EQ(image->architectures, std::vector<unsigned>{80});
}

TEST(Fatbin, UnpacksEveryCompression) {
    for (auto compression : {WrittenEntry::none, WrittenEntry::lz4, WrittenEntry::zstd}) {
        auto file = write_fatbin({{1, 75, ptx, compression}});
        auto image = read_image(file.data(), unknown_size, 80);
        ASSERT_TRUE(image) << image.error().message;
        EXPECT_EQ(image->ptx.at(0), ptx);
    }
}

TEST(Fatbin, WrapperOfBothVersions) {
    auto first = write_fatbin({{1, 75, "// 1\n" + ptx}}), second = write_fatbin({{1, 75, "// 2\n" + ptx}});
    struct {
        uint32_t magic, version;
        const void *data, *more;
    } wrapper{fatbin_wrapper_magic, 1, first.data(), nullptr};
    auto image = read_image(&wrapper, unknown_size, 80);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(image->ptx.size(), 1u);
    const void* linked[] = {first.data(), second.data(), nullptr};
    wrapper.version = 2;
    wrapper.more = linked;
    image = read_image(&wrapper, unknown_size, 80);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(image->ptx.size(), 2u);
}

/// An object file of a host processor with one section of fat binaries.
std::vector<uint8_t> host_object(const char* section, std::vector<std::vector<uint8_t>> fatbins) {
    std::vector<uint8_t> contents;
    for (const auto& fatbin : fatbins) {
        contents.insert(contents.end(), fatbin.begin(), fatbin.end());
        contents.resize((contents.size() + 7) / 8 * 8);
    }
    std::string names = std::string(1, '\0') + section + '\0';
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = EM_X86_64;
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = 3;
    header.e_shstrndx = 2;
    header.e_shoff = sizeof header;
    Elf64_Shdr sections[3]{};
    sections[1].sh_name = 1;
    sections[1].sh_type = SHT_PROGBITS;
    sections[1].sh_offset = sizeof header + sizeof sections;
    sections[1].sh_size = contents.size();
    sections[2].sh_type = SHT_STRTAB;
    sections[2].sh_offset = sections[1].sh_offset + contents.size();
    sections[2].sh_size = names.size();
    std::vector<uint8_t> file(sizeof header + sizeof sections);
    std::memcpy(file.data(), &header, sizeof header);
    std::memcpy(file.data() + sizeof header, sections, sizeof sections);
    file.insert(file.end(), contents.begin(), contents.end());
    file.insert(file.end(), names.begin(), names.end());
    return file;
}

std::vector<uint8_t> archive(const std::vector<std::vector<uint8_t>>& members) {
    std::string magic = "!<arch>\n";
    std::vector<uint8_t> file(magic.begin(), magic.end());
    for (const auto& member : members) {
        char header[61];
        std::snprintf(header, sizeof header, "%-16s%-12s%-6s%-6s%-8s%-10zu`\n", "m.o/", "0", "0", "0", "644", member.size());
        file.insert(file.end(), header, header + 60);
        file.insert(file.end(), member.begin(), member.end());
        if (member.size() % 2) file.push_back('\n');
    }
    return file;
}

TEST(HostObject, HoldsTheUnitsOfItsFatBinaries) {
    auto first = write_fatbin({{1, 75, "// 1\n" + ptx}}), second = write_fatbin({{1, 80, "// 2\n" + ptx, WrittenEntry::zstd}});
    auto machine_code = write_fatbin({{2, 80, "cubin"}});
    for (const char* section : {".nv_fatbin", "__nv_relfatbin"}) {
        auto file = host_object(section, {first, machine_code, second});
        ASSERT_TRUE(is_host_object(file.data(), file.size()));
        auto image = read_host_object(file.data(), file.size(), 80);
        ASSERT_TRUE(image) << image.error().message;
        ASSERT_EQ(image->ptx.size(), 2u);
        EXPECT_EQ(image->ptx[1], "// 2\n" + ptx);
    }
    auto library = archive({host_object(".nv_fatbin", {first}), {'x', 'y', 'z'}, host_object(".nv_fatbin", {second})});
    ASSERT_TRUE(is_host_object(library.data(), library.size()));
    auto image = read_host_object(library.data(), library.size(), 80);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(image->ptx.size(), 2u);
    auto none = host_object(".nv_fatbin", {machine_code});
    auto refused = read_host_object(none.data(), none.size(), 80);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::no_binary_for_gpu);
    EXPECT_FALSE(is_host_object(ptx.data(), ptx.size()));
}

TEST(HostObject, DamagedOnesAreRefusedWithoutACrash) {
    auto file = archive({host_object(".nv_fatbin", {write_fatbin({{1, 75, ptx}}), write_fatbin({{1, 80, ptx, WrittenEntry::lz4}})})});
    for (size_t size = 0; size < file.size(); size++) {
        std::vector<uint8_t> part(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
        if (is_host_object(part.data(), part.size())) (void)read_host_object(part.data(), part.size(), 80);
    }
    std::mt19937 random(5);
    int good = 0;
    for (int i = 0; i < 20000; i++) {
        auto damaged = file;
        for (unsigned k = 0; k <= random() % 4; k++) damaged[8 + random() % (i % 2 ? 400 : damaged.size() - 8)] = static_cast<uint8_t>(random());
        good += read_host_object(damaged.data(), damaged.size(), 80).has_value();
    }
    EXPECT_GT(good, 0); // damage to the text of the PTX isn't seen here
}

/// As in every program built with -rdc, which carries NVIDIA's device runtime.
TEST(Fatbin, LinkedUnitWithoutFittingPtxDoesNoHarmBesideOneThatFits) {
    auto program = write_fatbin({{1, 80, ptx}}), device_runtime = write_fatbin({{2, 80, "cubin"}, {1, 121, ptx}});
    const void* linked[] = {device_runtime.data(), program.data(), nullptr};
    struct {
        uint32_t magic, version;
        const void *data, *more;
    } wrapper{fatbin_wrapper_magic, 2, device_runtime.data(), linked};
    auto image = read_image(&wrapper, unknown_size, 80);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(image->ptx, std::vector<std::string>{ptx});
    linked[1] = nullptr;
    image = read_image(&wrapper, unknown_size, 80);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, ErrorCode::no_binary_for_gpu);
}

TEST(Fatbin, NamesTheArchitecturesWhereThereIsNoPtx) {
    auto file = write_fatbin({{2, 90, "cubin"}, {2, 80, "cubin"}});
    auto image = read_image(file.data(), file.size(), 80);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, ErrorCode::no_binary_for_gpu);
    EXPECT_NE(image.error().message.find("sm_80, sm_90"), std::string::npos) << image.error().message;
    EXPECT_NE(image.error().message.find("-gencode arch=compute_80,code=compute_80"), std::string::npos);
}

TEST(Fatbin, PtxTooNewForTheDevice) {
    auto file = write_fatbin({{1, 90, ptx}});
    auto image = read_image(file.data(), file.size(), 80);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, ErrorCode::no_binary_for_gpu);
    EXPECT_NE(image.error().message.find("compute_90"), std::string::npos) << image.error().message;
}

TEST(Fatbin, PlainText) {
    for (std::string text : {ptx, "\n\n  /* hello */ // there\n" + ptx}) {
        auto image = read_image(text.c_str(), unknown_size, 80);
        ASSERT_TRUE(image) << image.error().message;
        EXPECT_EQ(image->ptx.at(0), text);
    }
    const char* empty = "";
    EXPECT_FALSE(read_image(empty, unknown_size, 80));
}

TEST(Fatbin, Cubin) {
    std::vector<uint8_t> cubin(64);
    std::memcpy(cubin.data(), "\177ELF\2\1\1\101\10", 9);
    cubin[18] = 190;
    cubin[49] = 90;
    auto image = read_image(cubin.data(), cubin.size(), 80);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, ErrorCode::no_binary_for_gpu);
    EXPECT_NE(image.error().message.find("sm_90"), std::string::npos) << image.error().message;
}

TEST(Fatbin, TruncatedAtEveryByte) {
    auto file = write_fatbin({{1, 75, ptx, WrittenEntry::lz4}, {2, 80, "cubin"}, {1, 80, ptx, WrittenEntry::zstd}});
    for (size_t size = 0; size < file.size(); ++size) {
        std::vector<uint8_t> part(file.begin(), file.begin() + static_cast<long>(size));
        EXPECT_FALSE(read_image(part.data(), part.size(), 80)) << size;
    }
}

TEST(Fatbin, MutatedBytesNeverCrash) {
    const auto file = write_fatbin({{1, 75, ptx, WrittenEntry::lz4}, {1, 80, ptx, WrittenEntry::zstd}, {1, 60, ptx}});
    std::mt19937 random(1);
    unsigned refused = 0;
    for (int round = 0; round < 20000; ++round) {
        auto copy = file;
        for (unsigned k = 1 + random() % 4; k > 0; --k) copy[random() % copy.size()] = static_cast<uint8_t>(random());
        refused += !read_image(copy.data(), copy.size(), 80);
        auto entries = read_fatbin(copy.data(), copy.size());
        if (!entries) continue;
        for (const FatbinEntry& entry : *entries) (void)unpack(entry);
    }
    EXPECT_GT(refused, 1000u);
}

// Found by two programs of libnvrtc with the same static variable, linked by libnvJitLink.
TEST(MergePtx, NamesOfAUnitsOwnStayApart) {
    auto unit = [](const std::string& kernel, int value, const std::string& linkage) {
        return ".version 7.0\n.target sm_70\n.address_size 64\n" + linkage + ".global .u32 same = " + std::to_string(value) +
               ";\n.visible .entry " + kernel + "(.param .u64 to) {\n.reg .u32 %r<2>;\n.reg .u64 %rd<2>;\nld.param.u64 %rd1, [to];\n" +
               "ld.global.u32 %r1, [same];\nst.global.u32 [%rd1], %r1;\nret;\n}\n";
    };
    auto merged = merge_ptx({unit("a", 1, ""), unit("b", 2, ""), unit("c", 3, "")});
    ASSERT_TRUE(merged) << merged.error().message;
    auto module = ptx::parse_module(*merged, "<merged>");
    ASSERT_TRUE(module) << module.error().message;
    EXPECT_EQ((*module)->variables.size(), 3u);
    EXPECT_EQ((*module)->variables[0].name, "same");
    EXPECT_NE(merged->find("[same$unit2]"), std::string::npos) << *merged;
    // The name that others can see is the one that stays.
    merged = merge_ptx({unit("a", 1, ""), unit("b", 2, ".visible ")});
    ASSERT_TRUE(merged) << merged.error().message;
    EXPECT_NE(merged->find("[same$unit0]"), std::string::npos) << *merged;
    ASSERT_TRUE(ptx::parse_module(*merged, "<merged>"));
}

TEST(MergePtx, DeclarationsMeetDefinitions) {
    std::string header = "//\n.version 7.0\n.target sm_70\n.address_size 64\n";
    std::string caller = header + R"(
.extern .func (.param .b32 r) twice(.param .b32 a);
.extern .global .align 4 .u32 calls;
.weak .func shared_one() { ret; }
.visible .entry k(.param .u64 p) {
    .reg .b32 %r<3>;
    { .param .b32 a0; .param .b32 r0; st.param.b32 [a0], %r1; call.uni (r0), twice, (a0); ld.param.b32 %r2, [r0]; }
    ret;
})";
    std::string callee = "//\n.version 8.1\n.target sm_80\n.address_size 64\n" + std::string(R"(
.visible .global .align 4 .u32 calls;
.weak .func shared_one() { ret; }
.visible .func (.param .b32 r) twice(.param .b32 a) {
    .reg .b32 %r<3>;
    ld.param.b32 %r1, [a]; add.s32 %r2, %r1, %r1; st.param.b32 [r], %r2; ret;
})");
    for (auto units : {std::vector{caller, callee}, std::vector{callee, caller}}) {
        auto merged = merge_ptx(units);
        ASSERT_TRUE(merged) << merged.error().message;
        auto module = ptx::parse_module(*merged, "merged");
        ASSERT_TRUE(module) << module.error().message << "\n" << *merged;
        EXPECT_EQ((*module)->target_sm, 80u);
        EXPECT_EQ((*module)->version_major, 8u);
        const ptx::Function* twice = (*module)->find_function("twice");
        ASSERT_TRUE(twice);
        EXPECT_FALSE(twice->is_declaration);
        const ptx::Variable* calls = (*module)->find_variable("calls");
        ASSERT_TRUE(calls);
        EXPECT_EQ(calls->linkage, ptx::Linkage::visible);
        EXPECT_TRUE((*module)->find_function("k"));
    }
}

std::string hex(const std::array<uint8_t, 16>& digest) {
    std::string text;
    for (uint8_t byte : digest) text += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
    return text;
}

// RFC 1319, A.5.
TEST(Handshake, Md2) {
    auto digest = [](std::string_view text) {
        return hex(md2(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size())));
    };
    EXPECT_EQ(digest(""), "8350e5a3e24c153df2275c9f80692773");
    EXPECT_EQ(digest("abc"), "da853b0d3f88d99b30283a69e6ded6bb");
    EXPECT_EQ(digest("message digest"), "ab4f496bfb2a530b219ff33031fe06b0");
    EXPECT_EQ(digest("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
              "d5976f79d83d3a0dc9806c3c66f3efd8");
}

} // namespace
