// Stream memory operations: a stream that waits until a value in memory is as wanted, or writes one.
// CUDA driver API, "Stream Memory Operations".

#include "driver/capture.h"
#include "driver/format.h"

#include <atomic>
#include <chrono>
#include <thread>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

template <class Value> bool satisfied(CUdeviceptr address, Value wanted, unsigned flags) {
    Value now = std::atomic_ref(*reinterpret_cast<Value*>(address)).load(std::memory_order_acquire);
    switch (flags & 3) {
    case CU_STREAM_WAIT_VALUE_GEQ: // cyclic: the difference as a signed number
        return static_cast<std::make_signed_t<Value>>(now - wanted) >= 0;
    case CU_STREAM_WAIT_VALUE_EQ:
        return now == wanted;
    case CU_STREAM_WAIT_VALUE_AND:
        return (now & wanted) != 0;
    default:
        return static_cast<Value>(~(now | wanted)) != 0;
    }
}

bool satisfied(const CUstreamBatchMemOpParams& operation) {
    const auto& wait = operation.waitValue;
    return operation.operation == CU_STREAM_MEM_OP_WAIT_VALUE_64 ? satisfied<uint64_t>(wait.address, wait.value64, wait.flags)
                                                                 : satisfied<uint32_t>(wait.address, wait.value, wait.flags);
}

void carry_out(const CUstreamBatchMemOpParams& operation) {
    switch (operation.operation) {
    case CU_STREAM_MEM_OP_WAIT_VALUE_32:
    case CU_STREAM_MEM_OP_WAIT_VALUE_64: {
        // The value comes from another stream or the host, perhaps much later: look often at first, then seldom.
        auto pause = std::chrono::microseconds(1);
        for (int tries = 0; !satisfied(operation); tries++) {
            if (tries < 200) {
                std::this_thread::yield();
                continue;
            }
            std::this_thread::sleep_for(pause);
            pause = std::min(pause * 2, std::chrono::microseconds(200));
        }
        return;
    }
    case CU_STREAM_MEM_OP_WRITE_VALUE_32:
        std::atomic_ref(*reinterpret_cast<uint32_t*>(operation.writeValue.address))
            .store(operation.writeValue.value, std::memory_order_seq_cst);
        return;
    case CU_STREAM_MEM_OP_WRITE_VALUE_64:
        std::atomic_ref(*reinterpret_cast<uint64_t*>(operation.writeValue.address))
            .store(operation.writeValue.value64, std::memory_order_seq_cst);
        return;
    default: // barriers and flushes: memory here is always coherent
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
}

Result<void> check(const CUstreamBatchMemOpParams& operation) {
    bool wait = operation.operation == CU_STREAM_MEM_OP_WAIT_VALUE_32 || operation.operation == CU_STREAM_MEM_OP_WAIT_VALUE_64;
    bool write = operation.operation == CU_STREAM_MEM_OP_WRITE_VALUE_32 || operation.operation == CU_STREAM_MEM_OP_WRITE_VALUE_64;
    if (!wait && !write) {
        if (operation.operation == CU_STREAM_MEM_OP_FLUSH_REMOTE_WRITES || operation.operation == CU_STREAM_MEM_OP_BARRIER)
            return {};
        return invalid_value(format("there is no memory operation {}", static_cast<int>(operation.operation)));
    }
    bool wide = operation.operation == CU_STREAM_MEM_OP_WAIT_VALUE_64 || operation.operation == CU_STREAM_MEM_OP_WRITE_VALUE_64;
    CUdeviceptr address = wait ? operation.waitValue.address : operation.writeValue.address;
    if (address % (wide ? 8 : 4)) return invalid_value(format("{:#x} isn't aligned", address));
    auto found = machine::find_allocation(reinterpret_cast<void*>(address));
    if (!found) return invalid_value(format("{:#x} lies in no allocation", address));
    if (wait && (operation.waitValue.flags & ~(3u | unsigned{CU_STREAM_WAIT_VALUE_FLUSH})))
        return invalid_value(format("wait flags {:#x}", operation.waitValue.flags));
    if (write && (operation.writeValue.flags & ~unsigned{CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER}))
        return invalid_value(format("write flags {:#x}", operation.writeValue.flags));
    return {};
}

CUresult submit(const char* call, CUstream handle, std::vector<CUstreamBatchMemOpParams> operations, unsigned flags) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(stream, stream_of(handle, context));
        ANYWARP_TRY_AS(command, memory_operations(operations, flags));
        if (auto* part = capture_of(*stream)) {
            ANYWARP_TRY(capture(*part, BatchWork{std::move(operations), flags, &context}));
            return {};
        }
        return stream->enqueue(std::move(command));
    });
}

CUstreamBatchMemOpParams wait_for(CUstreamBatchMemOpType type, CUdeviceptr address, uint64_t value, unsigned flags) {
    CUstreamBatchMemOpParams operation{};
    operation.waitValue.operation = type;
    operation.waitValue.address = address;
    operation.waitValue.value64 = value;
    operation.waitValue.flags = flags;
    return operation;
}

CUstreamBatchMemOpParams write(CUstreamBatchMemOpType type, CUdeviceptr address, uint64_t value, unsigned flags) {
    CUstreamBatchMemOpParams operation{};
    operation.writeValue.operation = type;
    operation.writeValue.address = address;
    operation.writeValue.value64 = value;
    operation.writeValue.flags = flags;
    return operation;
}

} // namespace

namespace anywarp::driver {

Result<machine::HostCommand> memory_operations(std::vector<CUstreamBatchMemOpParams> operations, unsigned flags) {
    if (flags != 0) return invalid_value("flags must be 0");
    for (const auto& operation : operations) ANYWARP_TRY(check(operation));
    machine::HostCommand command;
    command.function = [operations = std::move(operations)](ErrorCode) {
        for (const auto& operation : operations) carry_out(operation);
    };
    return command;
}

} // namespace anywarp::driver

CUresult cuStreamWaitValue32_v2(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
    return submit(__func__, stream, {wait_for(CU_STREAM_MEM_OP_WAIT_VALUE_32, address, value, flags)}, 0);
}
CUresult cuStreamWaitValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
    return submit(__func__, stream, {wait_for(CU_STREAM_MEM_OP_WAIT_VALUE_64, address, value, flags)}, 0);
}
CUresult cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
    return submit(__func__, stream, {write(CU_STREAM_MEM_OP_WRITE_VALUE_32, address, value, flags)}, 0);
}
CUresult cuStreamWriteValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
    return submit(__func__, stream, {write(CU_STREAM_MEM_OP_WRITE_VALUE_64, address, value, flags)}, 0);
}
CUresult cuStreamBatchMemOp_v2(CUstream stream, unsigned count, CUstreamBatchMemOpParams* operations, unsigned flags) {
    if (count > 256 || (count && !operations))
        return without_init(__func__, []() -> Result<void> { return invalid_value("null or more than 256 operations"); });
    return submit(__func__, stream, {operations, operations + count}, flags);
}
// The forms of before CUDA 11.7 differ in what a driver setting allows only.
CUresult cuStreamWaitValue32(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
    return cuStreamWaitValue32_v2(stream, address, value, flags);
}
CUresult cuStreamWaitValue64(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
    return cuStreamWaitValue64_v2(stream, address, value, flags);
}
CUresult cuStreamWriteValue32(CUstream stream, CUdeviceptr address, cuuint32_t value, unsigned flags) {
    return cuStreamWriteValue32_v2(stream, address, value, flags);
}
CUresult cuStreamWriteValue64(CUstream stream, CUdeviceptr address, cuuint64_t value, unsigned flags) {
    return cuStreamWriteValue64_v2(stream, address, value, flags);
}
CUresult cuStreamBatchMemOp(CUstream stream, unsigned count, CUstreamBatchMemOpParams* operations, unsigned flags) {
    return cuStreamBatchMemOp_v2(stream, count, operations, flags);
}
