// What the OpenCL versions of the benchmarks share: one device, one queue in order, the program of the job's kernel.cl.
//
// BENCH_OPENCL_PLATFORM (environment) is a part of the platform's name, so that one program runs on PoCL and on Intel's runtime;
// without it the first platform is taken. BENCH_KERNEL_FILE (compile definition) is the path of kernel.cl. Exit status 77 says that
// there is no such platform. Any error ends the program with a line on stderr: a benchmark that goes on after one measures nothing.
#pragma once

#include "bench.h"

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <cstring>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>

namespace bench {

class OpenCl {
public:
    OpenCl() {
        cl_uint count = 0;
        clGetPlatformIDs(0, nullptr, &count);
        std::vector<cl_platform_id> platforms(count);
        if (count > 0) check(clGetPlatformIDs(count, platforms.data(), nullptr), "clGetPlatformIDs");
        const char* wanted = std::getenv("BENCH_OPENCL_PLATFORM");
        cl_platform_id chosen = nullptr;
        for (cl_platform_id platform : platforms) {
            char name[256] = "";
            clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name, name, nullptr);
            if (!chosen && (!wanted || std::strstr(name, wanted))) chosen = platform;
        }
        if (!chosen || clGetDeviceIDs(chosen, CL_DEVICE_TYPE_CPU, 1, &device_, nullptr) != CL_SUCCESS) {
            std::fprintf(stderr, "no OpenCL platform %s with a CPU\n", wanted ? wanted : "");
            std::exit(77);
        }
        cl_int error;
        context_ = clCreateContext(nullptr, 1, &device_, nullptr, nullptr, &error);
        check(error, "clCreateContext");
        queue_ = clCreateCommandQueue(context_, device_, 0, &error);
        check(error, "clCreateCommandQueue");
        std::ifstream file(BENCH_KERNEL_FILE);
        std::string source((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        const char* text = source.c_str();
        program_ = clCreateProgramWithSource(context_, 1, &text, nullptr, &error);
        check(error, "clCreateProgramWithSource");
        if (clBuildProgram(program_, 1, &device_, "-cl-mad-enable", nullptr, nullptr) != CL_SUCCESS) {
            std::vector<char> log(1 << 16);
            clGetProgramBuildInfo(program_, device_, CL_PROGRAM_BUILD_LOG, log.size() - 1, log.data(), nullptr);
            std::fprintf(stderr, "%s: %s\n", BENCH_KERNEL_FILE, log.data());
            std::exit(1);
        }
    }

    cl_kernel kernel(const char* name) {
        cl_int error;
        cl_kernel result = clCreateKernel(program_, name, &error);
        check(error, name);
        return result;
    }

    cl_mem buffer(size_t bytes) {
        cl_int error;
        cl_mem result = clCreateBuffer(context_, CL_MEM_READ_WRITE, bytes, nullptr, &error);
        check(error, "clCreateBuffer");
        return result;
    }
    template <class T> cl_mem buffer(const std::vector<T>& data) {
        cl_mem result = buffer(data.size() * sizeof(T));
        write(result, data.data(), data.size() * sizeof(T));
        return result;
    }

    void write(cl_mem to, const void* from, size_t bytes) {
        check(clEnqueueWriteBuffer(queue_, to, CL_TRUE, 0, bytes, from, 0, nullptr, nullptr), "clEnqueueWriteBuffer");
    }
    void read(cl_mem from, void* to, size_t bytes) {
        check(clEnqueueReadBuffer(queue_, from, CL_TRUE, 0, bytes, to, 0, nullptr, nullptr), "clEnqueueReadBuffer");
    }
    template <class T> void read(cl_mem from, std::vector<T>& to) { read(from, to.data(), to.size() * sizeof(T)); }
    void fill(cl_mem to, int value, size_t bytes) {
        check(clEnqueueFillBuffer(queue_, to, &value, sizeof value, 0, bytes, 0, nullptr, nullptr), "clEnqueueFillBuffer");
    }

    /// Sizes are numbers of work-groups and their size, as in CUDA.
    template <class... Arguments>
    void launch(cl_kernel kernel, std::initializer_list<size_t> groups, std::initializer_list<size_t> size, const Arguments&... arguments) {
        cl_uint index = 0;
        (check(clSetKernelArg(kernel, index++, sizeof arguments, &arguments), "clSetKernelArg"), ...);
        size_t global[3], local[3];
        for (size_t i = 0; i < size.size(); ++i) local[i] = size.begin()[i], global[i] = groups.begin()[i] * local[i];
        check(clEnqueueNDRangeKernel(queue_, kernel, cl_uint(size.size()), nullptr, global, local, 0, nullptr, nullptr),
              "clEnqueueNDRangeKernel");
    }

    void finish() { check(clFinish(queue_), "clFinish"); }

private:
    static void check(cl_int error, const char* what) {
        if (error == CL_SUCCESS) return;
        std::fprintf(stderr, "%s: OpenCL error %d\n", what, error);
        std::exit(1);
    }

    cl_device_id device_ = nullptr;
    cl_context context_ = nullptr;
    cl_command_queue queue_ = nullptr;
    cl_program program_ = nullptr;
};

} // namespace bench
