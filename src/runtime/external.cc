// External memory and semaphores, and batches of copies: the driver's, under the runtime's names. The structures have the same
// layout in both, as have the handles.
// CUDA Runtime API, sections "External Resource Interoperability", "Graph Management", "Memory Management".
#include "runtime/runtime.h"

using namespace anywarp::runtime;

namespace {

static_assert(sizeof(cudaExternalSemaphoreSignalParams) == sizeof(CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS));
static_assert(sizeof(cudaExternalSemaphoreWaitParams) == sizeof(CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS));
static_assert(sizeof(cudaExternalSemaphoreSignalNodeParams) == sizeof(CUDA_EXT_SEM_SIGNAL_NODE_PARAMS));
static_assert(sizeof(cudaExternalSemaphoreWaitNodeParams) == sizeof(CUDA_EXT_SEM_WAIT_NODE_PARAMS));
static_assert(sizeof(cudaMemcpy3DBatchOp) == sizeof(CUDA_MEMCPY3D_BATCH_OP));
static_assert(sizeof(cudaMemcpyAttributes) == sizeof(CUmemcpyAttributes));

auto* to_driver(const cudaExternalSemaphore_t* semaphores) { return reinterpret_cast<const CUexternalSemaphore*>(semaphores); }
auto* to_driver(const cudaExternalSemaphoreSignalParams* p) {
    return reinterpret_cast<const CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS*>(p);
}
auto* to_driver(const cudaExternalSemaphoreWaitParams* p) {
    return reinterpret_cast<const CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS*>(p);
}
auto* to_driver(const cudaExternalSemaphoreSignalNodeParams* p) {
    return reinterpret_cast<const CUDA_EXT_SEM_SIGNAL_NODE_PARAMS*>(p);
}
auto* to_driver(const cudaExternalSemaphoreWaitNodeParams* p) { return reinterpret_cast<const CUDA_EXT_SEM_WAIT_NODE_PARAMS*>(p); }
auto* to_driver(cudaExternalSemaphoreSignalNodeParams* p) { return reinterpret_cast<CUDA_EXT_SEM_SIGNAL_NODE_PARAMS*>(p); }
auto* to_driver(cudaExternalSemaphoreWaitNodeParams* p) { return reinterpret_cast<CUDA_EXT_SEM_WAIT_NODE_PARAMS*>(p); }

cudaStream_t own(cudaStream_t stream) { return stream ? stream : cudaStreamPerThread; }

cudaError_t signal(const cudaExternalSemaphore_t* semaphores, const cudaExternalSemaphoreSignalParams* parameters, unsigned count,
                   cudaStream_t stream) {
    return with_context(
        [&] { return cuSignalExternalSemaphoresAsync(to_driver(semaphores), to_driver(parameters), count, stream); });
}
cudaError_t wait(const cudaExternalSemaphore_t* semaphores, const cudaExternalSemaphoreWaitParams* parameters, unsigned count,
                 cudaStream_t stream) {
    return with_context([&] { return cuWaitExternalSemaphoresAsync(to_driver(semaphores), to_driver(parameters), count, stream); });
}

cudaError_t copy_batch(const void* to, const void* from, const size_t* sizes, size_t count, cudaMemcpyAttributes* attributes,
                       size_t* indices, size_t attribute_count, cudaStream_t stream) {
    auto list = [](const void* pointers) { return static_cast<CUdeviceptr*>(const_cast<void*>(pointers)); };
    return with_context([&] {
        return cuMemcpyBatchAsync_v2(list(to), list(from), const_cast<size_t*>(sizes), count,
                                     reinterpret_cast<CUmemcpyAttributes*>(attributes), indices, attribute_count, stream);
    });
}
cudaError_t box_batch(size_t count, cudaMemcpy3DBatchOp* operations, unsigned long long flags, cudaStream_t stream) {
    return with_context([&] {
        return cuMemcpy3DBatchAsync_v2(count, reinterpret_cast<CUDA_MEMCPY3D_BATCH_OP*>(operations), flags, stream);
    });
}

} // namespace

#define ANYWARP_EXPORT __attribute__((visibility("default")))

extern "C" {

cudaError_t cudaImportExternalMemory(cudaExternalMemory_t* memory, const cudaExternalMemoryHandleDesc* p) {
    if (!p) return record(cudaErrorInvalidValue);
    CUDA_EXTERNAL_MEMORY_HANDLE_DESC description{};
    description.type = static_cast<CUexternalMemoryHandleType>(p->type);
    description.handle.win32.handle = p->handle.win32.handle; // the widest member: a descriptor comes along
    description.handle.win32.name = p->handle.win32.name;
    description.size = p->size;
    description.flags = p->flags;
    return with_context([&] { return cuImportExternalMemory(reinterpret_cast<CUexternalMemory*>(memory), &description); });
}
cudaError_t cudaExternalMemoryGetMappedBuffer(void** pointer, cudaExternalMemory_t memory, const cudaExternalMemoryBufferDesc* p) {
    if (!p) return record(cudaErrorInvalidValue);
    CUDA_EXTERNAL_MEMORY_BUFFER_DESC description{};
    description.offset = p->offset;
    description.size = p->size;
    description.flags = p->flags;
    return with_context([&] {
        return cuExternalMemoryGetMappedBuffer(address(pointer), reinterpret_cast<CUexternalMemory>(memory), &description);
    });
}
cudaError_t cudaDestroyExternalMemory(cudaExternalMemory_t memory) {
    return with_context([&] { return cuDestroyExternalMemory(reinterpret_cast<CUexternalMemory>(memory)); });
}
cudaError_t cudaImportExternalSemaphore(cudaExternalSemaphore_t* semaphore, const cudaExternalSemaphoreHandleDesc* p) {
    if (!p) return record(cudaErrorInvalidValue);
    CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC description{};
    description.type = static_cast<CUexternalSemaphoreHandleType>(p->type);
    description.handle.win32.handle = p->handle.win32.handle;
    description.handle.win32.name = p->handle.win32.name;
    description.flags = p->flags;
    return with_context([&] { return cuImportExternalSemaphore(reinterpret_cast<CUexternalSemaphore*>(semaphore), &description); });
}
cudaError_t cudaDestroyExternalSemaphore(cudaExternalSemaphore_t semaphore) {
    return with_context([&] { return cuDestroyExternalSemaphore(reinterpret_cast<CUexternalSemaphore>(semaphore)); });
}

// The names of CUDA 13, and those of CUDA 12 with "_v2" for the same.
#if ANYWARP_CUDART_MAJOR >= 13
#    define ANYWARP_NOW(name) name
#else
#    define ANYWARP_NOW(name) name##_v2
#endif
#define ANYWARP_CONCAT(a, b) ANYWARP_CONCAT_(a, b)
#define ANYWARP_CONCAT_(a, b) a##b
#define ANYWARP_SEMAPHORES(name, Parameters, call)                                                                               \
    ANYWARP_EXPORT cudaError_t ANYWARP_NOW(name)(const cudaExternalSemaphore_t* semaphores, const Parameters* parameters,        \
                                                 unsigned count, cudaStream_t stream) {                                          \
        return call(semaphores, parameters, count, stream);                                                                      \
    }                                                                                                                            \
    ANYWARP_EXPORT cudaError_t ANYWARP_CONCAT(ANYWARP_NOW(name), _ptsz)(                                                         \
        const cudaExternalSemaphore_t* semaphores, const Parameters* parameters, unsigned count, cudaStream_t stream) {          \
        return call(semaphores, parameters, count, own(stream));                                                                 \
    }
ANYWARP_SEMAPHORES(cudaSignalExternalSemaphoresAsync, cudaExternalSemaphoreSignalParams, signal)
ANYWARP_SEMAPHORES(cudaWaitExternalSemaphoresAsync, cudaExternalSemaphoreWaitParams, wait)

#define ANYWARP_SEMAPHORE_NODE(Name, Parameters)                                                                                 \
    cudaError_t cudaGraphAddExternalSemaphores##Name##Node(cudaGraphNode_t* node, cudaGraph_t graph,                             \
                                                           const cudaGraphNode_t* before, size_t count, const Parameters* p) {   \
        return with_context(                                                                                                     \
            [&] { return cuGraphAddExternalSemaphores##Name##Node(node, graph, before, count, to_driver(p)); });                 \
    }                                                                                                                            \
    cudaError_t cudaGraphExternalSemaphores##Name##NodeGetParams(cudaGraphNode_t node, Parameters* p) {                          \
        return with_context([&] { return cuGraphExternalSemaphores##Name##NodeGetParams(node, to_driver(p)); });                 \
    }                                                                                                                            \
    cudaError_t cudaGraphExternalSemaphores##Name##NodeSetParams(cudaGraphNode_t node, const Parameters* p) {                    \
        return with_context([&] { return cuGraphExternalSemaphores##Name##NodeSetParams(node, to_driver(p)); });                 \
    }                                                                                                                            \
    cudaError_t cudaGraphExecExternalSemaphores##Name##NodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,                 \
                                                                     const Parameters* p) {                                      \
        return with_context([&] { return cuGraphExecExternalSemaphores##Name##NodeSetParams(exec, node, to_driver(p)); });       \
    }
ANYWARP_SEMAPHORE_NODE(Signal, cudaExternalSemaphoreSignalNodeParams)
ANYWARP_SEMAPHORE_NODE(Wait, cudaExternalSemaphoreWaitNodeParams)

// CUDA 12 tells which copy failed, a place that the driver leaves alone since.
#if ANYWARP_CUDART_MAJOR >= 13
cudaError_t cudaMemcpyBatchAsync(void* const* to, const void* const* from, const size_t* sizes, size_t count,
                                 cudaMemcpyAttributes* attributes, size_t* indices, size_t attribute_count, cudaStream_t stream) {
    return copy_batch(to, from, sizes, count, attributes, indices, attribute_count, stream);
}
ANYWARP_EXPORT cudaError_t cudaMemcpyBatchAsync_ptsz(void* const* to, const void* const* from, const size_t* sizes, size_t count,
                                                     cudaMemcpyAttributes* attributes, size_t* indices, size_t attribute_count,
                                                     cudaStream_t stream) {
    return copy_batch(to, from, sizes, count, attributes, indices, attribute_count, own(stream));
}
cudaError_t cudaMemcpy3DBatchAsync(size_t count, cudaMemcpy3DBatchOp* operations, unsigned long long flags, cudaStream_t stream) {
    return box_batch(count, operations, flags, stream);
}
ANYWARP_EXPORT cudaError_t cudaMemcpy3DBatchAsync_ptsz(size_t count, cudaMemcpy3DBatchOp* operations, unsigned long long flags,
                                                       cudaStream_t stream) {
    return box_batch(count, operations, flags, own(stream));
}
#else
#    define ANYWARP_12(name, symbol, parameters)                                                                                 \
        ANYWARP_EXPORT cudaError_t name parameters asm(symbol);                                                                  \
        cudaError_t name parameters
#    define ANYWARP_BATCH(name, symbol, which)                                                                                   \
        ANYWARP_12(name, symbol,                                                                                                 \
                   (void** to, void** from, size_t* sizes, size_t count, cudaMemcpyAttributes* attributes, size_t* indices,      \
                    size_t attribute_count, size_t* failed, cudaStream_t stream)) {                                              \
            if (failed) *failed = SIZE_MAX;                                                                                      \
            return copy_batch(to, from, sizes, count, attributes, indices, attribute_count, which);                              \
        }
ANYWARP_BATCH(copy_batch_12, "cudaMemcpyBatchAsync", stream)
ANYWARP_BATCH(copy_batch_12_ptsz, "cudaMemcpyBatchAsync_ptsz", own(stream))
#    define ANYWARP_BOXES(name, symbol, which)                                                                                   \
        ANYWARP_12(name, symbol,                                                                                                 \
                   (size_t count, cudaMemcpy3DBatchOp * operations, size_t * failed, unsigned long long flags,                   \
                    cudaStream_t stream)) {                                                                                      \
            if (failed) *failed = SIZE_MAX;                                                                                      \
            return box_batch(count, operations, flags, which);                                                                   \
        }
ANYWARP_BOXES(box_batch_12, "cudaMemcpy3DBatchAsync", stream)
ANYWARP_BOXES(box_batch_12_ptsz, "cudaMemcpy3DBatchAsync_ptsz", own(stream))
#endif

} // extern "C"
