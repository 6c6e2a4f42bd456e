// Separate compilation, several host threads, and calls from destructors of static objects, which must fail without a crash.
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

extern __device__ int twice(int);
extern __device__ int table[4];
__global__ void transform(int* p) { p[threadIdx.x] = twice(p[threadIdx.x]) + table[1]; }

struct CallsAtExit {
    ~CallsAtExit() {
        void* memory = nullptr;
        if (cudaMalloc(&memory, 16) != cudaErrorCudartUnloading) fprintf(stderr, "a call at exit should say so\n"), _Exit(2);
    }
} calls_at_exit;

int main() {
    std::vector<std::thread> threads;
    int wrong = 0;
    for (int n = 0; n < 4; n++)
        threads.emplace_back([&] {
            for (int round = 0; round < 20; round++) {
                int values[32], *on_device = nullptr;
                for (int i = 0; i < 32; i++) values[i] = i;
                cudaStream_t stream;
                cudaStreamCreate(&stream);
                cudaMalloc(&on_device, sizeof values);
                cudaMemcpyAsync(on_device, values, sizeof values, cudaMemcpyHostToDevice, stream);
                transform<<<1, 32, 0, stream>>>(on_device);
                cudaMemcpyAsync(values, on_device, sizeof values, cudaMemcpyDeviceToHost, stream);
                cudaStreamSynchronize(stream);
                for (int i = 0; i < 32; i++) wrong += values[i] != 2 * i + 11;
                cudaFree(on_device);
                cudaStreamDestroy(stream);
            }
        });
    for (auto& thread : threads) thread.join();
    return wrong || cudaGetLastError() != cudaSuccess;
}
