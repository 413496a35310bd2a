// Where the bytes of a TorchScript file come from, and whether they are whole.
#pragma once

#include <caffe2/serialize/read_adapter_interface.h>

#include <cstdint>
#include <memory>

namespace fastbatch {

using Bytes = caffe2::serialize::ReadAdapterInterface;

// Over the caller's memory, which must outlive it.
std::shared_ptr<Bytes> bytes_of_memory(const void* bytes, uint64_t length);

// FB_ARGUMENT if there is no such file or it cannot be read.
std::shared_ptr<Bytes> bytes_of_file(const char* path);

// FB_ARGUMENT, saying what is wrong where, unless this is a zip archive in which every entry has the content that it was written with.
// libtorch reads numbers and programs out of the entries and trusts them: damage that gets that far can crash the process.
void check_archive(const std::shared_ptr<Bytes>& bytes);

}  // namespace fastbatch
