// Reads the directory of a zip archive and compares every entry with its checksum. Nothing in the file is believed before it is checked:
// every offset is tested against the file's size, in arithmetic that cannot overflow, before it is read.
#include "archive.h"

#include "failure.h"

#include <caffe2/serialize/file_adapter.h>
#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace fastbatch {
namespace {

class MemoryBytes final : public Bytes {
public:
    MemoryBytes(const void* bytes, uint64_t length) : bytes_(static_cast<const char*>(bytes)), length_(static_cast<size_t>(length)) {}

    size_t size() const override { return length_; }

    size_t read(uint64_t position, void* buffer, size_t count, const char*) const override {
        if (position >= length_ || count == 0) {  // the buffer may be null then
            return 0;
        }

        count = std::min(count, length_ - static_cast<size_t>(position));
        std::memcpy(buffer, bytes_ + position, count);
        return count;
    }

private:
    const char* bytes_;
    size_t length_;
};

// The zip checksum, CRC-32 of the reflected polynomial 0x04C11DB7, 8 bytes a step: a file of many gigabytes is read at disk speed.
class Crc {
public:
    void add(const unsigned char* bytes, size_t count) {
        uint32_t crc = value_;
        for (; count >= 8; bytes += 8, count -= 8) {
            const uint32_t low = crc ^ (bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24);
            crc = tables()[7][low & 255] ^ tables()[6][low >> 8 & 255] ^ tables()[5][low >> 16 & 255] ^ tables()[4][low >> 24] ^
                  tables()[3][bytes[4]] ^ tables()[2][bytes[5]] ^ tables()[1][bytes[6]] ^ tables()[0][bytes[7]];
        }

        for (; count > 0; ++bytes, --count) {
            crc = crc >> 8 ^ tables()[0][(crc ^ *bytes) & 255];
        }

        value_ = crc;
    }

    uint32_t value() const { return ~value_; }

private:
    using Tables = std::array<std::array<uint32_t, 256>, 8>;

    static const Tables& tables() {
        static const Tables made = [] {
            Tables table{};
            for (uint32_t i = 0; i < 256; ++i) {
                uint32_t crc = i;
                for (int bit = 0; bit < 8; ++bit) {
                    crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
                }

                table[0][i] = crc;
            }

            for (size_t i = 0; i < 256; ++i) {
                for (size_t step = 1; step < 8; ++step) {
                    table[step][i] = table[step - 1][i] >> 8 ^ table[0][table[step - 1][i] & 255];
                }
            }

            return table;
        }();
        return made;
    }

    uint32_t value_ = 0xFFFFFFFFu;
};

[[noreturn]] void damaged(const std::string& what) { fail(FB_ARGUMENT, "the file is damaged or no TorchScript file: ", what); }

// Some bytes of the file, little endian.
class Block {
public:
    Block(const Bytes& bytes, uint64_t position, uint64_t count, const char* what) {
        if (position > bytes.size() || count > bytes.size() - position) {
            damaged(std::string(what) + " ends after the file");
        }

        content_.resize(static_cast<size_t>(count));
        if (count > 0 && bytes.read(position, content_.data(), content_.size()) != content_.size()) {
            fail(FB_ARGUMENT, "the file cannot be read at byte ", position);
        }
    }

    const unsigned char* at(size_t offset, size_t count) const {
        if (offset > content_.size() || count > content_.size() - offset) {
            damaged("a part of the zip directory is cut off");
        }

        return content_.data() + offset;
    }

    uint16_t u16(size_t offset) const { return static_cast<uint16_t>(number(offset, 2)); }
    uint32_t u32(size_t offset) const { return static_cast<uint32_t>(number(offset, 4)); }
    uint64_t u64(size_t offset) const { return number(offset, 8); }
    std::string text(size_t offset, size_t count) const { return {reinterpret_cast<const char*>(at(offset, count)), count}; }
    size_t size() const { return content_.size(); }

private:
    uint64_t number(size_t offset, size_t count) const {
        const unsigned char* bytes = at(offset, count);
        uint64_t value = 0;
        for (size_t i = count; i-- > 0;) {
            value = value << 8 | bytes[i];
        }

        return value;
    }

    std::vector<unsigned char> content_;
};

struct Directory {
    uint64_t position, size, entries;
};

struct Entry {
    std::string name;
    uint16_t method;  // 0 stored, 8 deflated
    uint32_t crc, attributes;
    uint64_t packed, size, header;
};

// The end record is the last thing in the file but for a comment; a 64-bit one and its locator may stand before it.
Directory find_directory(const Bytes& bytes) {
    constexpr uint64_t end_size = 22, locator_size = 20;
    const uint64_t size = bytes.size();
    if (size < end_size) {
        damaged("it has " + std::to_string(size) + " bytes");
    }

    const uint64_t tail_size = std::min<uint64_t>(size, end_size + 0xFFFF);
    const Block tail(bytes, size - tail_size, tail_size, "the end record");
    for (size_t i = static_cast<size_t>(tail_size - end_size) + 1; i-- > 0;) {
        if (tail.u32(i) != 0x06054B50 || tail.u16(i + 20) != tail_size - end_size - i) {
            continue;
        }

        const uint64_t position = size - tail_size + i;
        if (i < locator_size || tail.u32(i - locator_size) != 0x07064B50) {
            return {tail.u32(i + 16), tail.u32(i + 12), tail.u16(i + 10)};
        }

        const Block end(bytes, tail.u64(i - locator_size + 8), 56, "the 64-bit end record");
        if (end.u32(0) != 0x06064B50) {
            damaged("byte " + std::to_string(position - locator_size) + " points to no 64-bit end record");
        }

        return {end.u64(48), end.u64(40), end.u64(32)};
    }

    damaged("it has no zip directory at its end, so it is cut off or something else");
}

// Reads the entry at `offset`, and moves it to the next one.
Entry next_entry(const Block& directory, size_t& offset) {
    constexpr size_t fixed = 46;
    if (directory.u32(offset) != 0x02014B50) {
        damaged("the zip directory has no entry where one should be");
    }

    const size_t name = directory.u16(offset + 28), extra = directory.u16(offset + 30), comment = directory.u16(offset + 32);
    Entry entry{directory.text(offset + fixed, name), directory.u16(offset + 10), directory.u32(offset + 16), directory.u32(offset + 38),
                directory.u32(offset + 20),           directory.u32(offset + 24), directory.u32(offset + 42)};

    // Numbers that do not fit into 32 bits stand, in this order, in an extra field of their own.
    const size_t end = offset + fixed + name + extra;
    for (size_t at = offset + fixed + name; at + 4 <= end; at += 4 + directory.u16(at + 2)) {
        if (directory.u16(at) != 1) {
            continue;
        }

        size_t value = at + 4;
        for (uint64_t* number : {&entry.size, &entry.packed, &entry.header}) {
            if (*number == 0xFFFFFFFF) {
                *number = directory.u64(value);
                value += 8;
            }
        }
    }

    offset = end + comment;
    return entry;
}

// The entry's own header repeats its name; its content follows.
uint64_t find_content(const Bytes& bytes, const Entry& entry) {
    constexpr uint64_t fixed = 30;
    const Block header(bytes, entry.header, fixed, "an entry");
    const uint64_t name = header.u16(26), extra = header.u16(28);
    if (header.u32(0) != 0x04034B50 || name != entry.name.size() ||
        Block(bytes, entry.header + fixed, name, "an entry's name").text(0, entry.name.size()) != entry.name) {
        damaged("entry '" + entry.name + "' is not where the zip directory says");
    }

    const uint64_t content = entry.header + fixed + name + extra;
    if (content > bytes.size() || entry.packed > bytes.size() - content) {
        damaged("entry '" + entry.name + "' ends after the file");
    }

    return content;
}

uint32_t crc_of_stored(const Bytes& bytes, const Entry& entry, uint64_t content) {
    constexpr uint64_t step = 1 << 20;
    Crc crc;
    for (uint64_t done = 0; done < entry.size; done += step) {
        const Block block(bytes, content + done, std::min(step, entry.size - done), "an entry");
        crc.add(block.at(0, block.size()), block.size());
    }

    return crc.value();
}

// libtorch unpacks it: source code, a few kilobytes. Its reader knows the entries without their common first folder.
uint32_t crc_of_deflated(caffe2::serialize::PyTorchStreamReader& reader, const Entry& entry) {
    const auto record = reader.getRecord(entry.name.substr(entry.name.find('/') + 1));
    Crc crc;
    crc.add(static_cast<const unsigned char*>(std::get<0>(record).get()), std::get<1>(record));
    return std::get<1>(record) == entry.size ? crc.value() : ~entry.crc;
}

}  // namespace

std::shared_ptr<Bytes> bytes_of_memory(const void* bytes, uint64_t length) {
    if (bytes == nullptr || length == 0 || length > SIZE_MAX) {
        fail(FB_ARGUMENT, bytes == nullptr ? "bytes is null" : "impossible length: ", bytes == nullptr ? "" : std::to_string(length));
    }

    return std::make_shared<MemoryBytes>(bytes, length);
}

std::shared_ptr<Bytes> bytes_of_file(const char* path) {
    if (path == nullptr || *path == '\0') {
        fail(FB_ARGUMENT, path == nullptr ? "path is null" : "path is empty");
    }

    // libtorch would say it with an assertion; a folder it would open and find to be of 2^63 bytes.
    std::FILE* file = std::fopen(path, "rb");
    char first;
    const bool readable = file != nullptr && (std::fread(&first, 1, 1, file) == 1 || std::ferror(file) == 0);
    const int reason = errno;
    if (file != nullptr) {
        std::fclose(file);
    }

    if (!readable) {
        fail(FB_ARGUMENT, "cannot read '", path, "': ", std::strerror(reason));
    }

    return std::make_shared<caffe2::serialize::FileAdapter>(path);
}

void check_archive(const std::shared_ptr<Bytes>& bytes) {
    const Directory found = find_directory(*bytes);
    const Block directory(*bytes, found.position, found.size, "the zip directory");
    if (found.entries == 0) {
        damaged("the archive is empty");
    }

    std::vector<Entry> deflated;
    size_t offset = 0;
    for (uint64_t i = 0; i < found.entries; ++i) {
        Entry entry = next_entry(directory, offset);
        const uint64_t content = find_content(*bytes, entry);
        if ((entry.attributes & 0x10) != 0 && entry.size > 0) {
            damaged("entry '" + entry.name + "' is marked as a folder, and has content");  // libtorch would read nothing, and use that
        }

        if (entry.method == 8 && entry.size / 1100 <= entry.packed) {  // deflate makes nothing smaller than 1 / 1032
            deflated.push_back(std::move(entry));
        } else if (entry.method != 0 || entry.size != entry.packed) {
            damaged("entry '" + entry.name + "' is packed in an impossible way");
        } else if (crc_of_stored(*bytes, entry, content) != entry.crc) {
            damaged("entry '" + entry.name + "' does not have its checksum");
        }
    }

    if (!deflated.empty()) {
        caffe2::serialize::PyTorchStreamReader reader(bytes);
        for (const Entry& entry : deflated) {
            if (crc_of_deflated(reader, entry) != entry.crc) {
                damaged("entry '" + entry.name + "' does not have its checksum");
            }
        }
    }
}

}  // namespace fastbatch
