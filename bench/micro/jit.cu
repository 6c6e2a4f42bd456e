// jit FILE.ptx: for each kernel of the file, milliseconds from PTX text to the end of its first launch, in a process that has compiled
// something before. The cache must be off (ANYWARP_CACHE=0). Pointers lead into a buffer of zeros, numbers are 1: enough to start one
// block; kernels that fault on that are named as such.
//
//     JIT <kernel> <ms of load and first launch> <ms of the second launch> <CUresult>
#include "../bench.h"

#include <cstring>
#include <cuda.h>
#include <fstream>
#include <iterator>
#include <string>

__global__ void warm(int* p) { *p = 1; }

struct Entry {
    std::string name;
    std::vector<int> bytes; // of its parameters
    bool two_dimensional = false;
};

static std::vector<Entry> entries(const std::string& text) {
    std::vector<Entry> result;
    for (size_t at = text.find(".entry "); at != std::string::npos; at = text.find(".entry ", at + 1)) {
        size_t open = text.find('(', at), close = text.find("\n)", open), brace = text.find("\n{", at);
        Entry e;
        std::string name = text.substr(at + 7, open - at - 7);
        e.name = name.substr(0, name.find_first_of(" \n\t("));
        if (open < brace && close < brace)
            for (size_t p = text.find(".param ", open); p < close; p = text.find(".param ", p + 1)) {
                std::string line = text.substr(p, text.find('\n', p) - p);
                size_t array = line.find('[');
                e.bytes.push_back(array != std::string::npos ? std::atoi(line.c_str() + array + 1) : line.find("64") < line.find("_param") ? 8 : 4);
            }
        size_t end = text.find(".entry ", brace);
        e.two_dimensional = text.substr(brace, end - brace).find("%tid.y") != std::string::npos;
        result.push_back(e);
    }
    return result;
}

int main(int count, char** arguments) {
    if (count != 2) return std::fputs("usage: jit FILE.ptx\n", stderr), 2;
    int* word;
    cudaMalloc(&word, 4);
    warm<<<1, 32>>>(word);
    if (cudaDeviceSynchronize() != cudaSuccess) return 1;
    CUdeviceptr zeros;
    if (cuMemAlloc(&zeros, 256 << 20) != CUDA_SUCCESS) return 1;
    cuMemsetD8(zeros, 0, 256 << 20);
    std::ifstream file(arguments[1]);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    auto now = [] { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); };
    for (const Entry& e : entries(text)) {
        std::vector<std::vector<char>> values;
        for (int bytes : e.bytes) {
            values.emplace_back(bytes, 0);
            int one = 1;
            if (bytes == 8) std::memcpy(values.back().data(), &zeros, 8);
            if (bytes == 4) std::memcpy(values.back().data(), &one, 4);
        }
        std::vector<void*> pointers;
        for (auto& v : values) pointers.push_back(v.data());
        CUmodule module;
        CUfunction function;
        double begin = now();
        CUresult result = cuModuleLoadData(&module, text.c_str());
        if (result == CUDA_SUCCESS) result = cuModuleGetFunction(&function, module, e.name.c_str());
        auto launch = [&] {
            CUresult r = cuLaunchKernel(function, 1, 1, 1, e.two_dimensional ? 32 : 256, e.two_dimensional ? 8 : 1, 1, 0, nullptr, pointers.data(), nullptr);
            return r == CUDA_SUCCESS ? cuCtxSynchronize() : r;
        };
        if (result == CUDA_SUCCESS) result = launch();
        double first = now() - begin;
        begin = now();
        if (result == CUDA_SUCCESS) result = launch();
        std::printf("JIT %s %.3f %.3f %d\n", e.name.c_str(), first, now() - begin, int(result));
        std::fflush(stdout);
        if (result != CUDA_SUCCESS) return 0; // the context is lost
        cuModuleUnload(module);
    }
}
