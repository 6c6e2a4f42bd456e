// Attributes of streams: access policy, synchronisation policy, memory domains, priority. CUDA driver API, "Stream Management":
// cuStreamSetAttribute and following.
//
// All are advice on GPUs and have nothing to steer here: each is checked, kept with its stream, and given back. They are kept by
// the number of the machine's stream, so that default streams, which have no object of ours, have them too.

#include "driver/stream_attributes.h"
#include "driver/format.h"

#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

using Values = std::map<int, CUstreamAttrValue>;

struct Table {
    std::mutex mutex;
    std::map<uint64_t, Values> streams;
};
Table& table() {
    static Table& all = *new Table;
    return all;
}

Result<CUstreamAttrValue> default_value(machine::Stream& stream, CUstreamAttrID which) {
    CUstreamAttrValue value;
    std::memset(&value, 0, sizeof value);
    switch (which) {
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
        return value;
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
        value.syncPolicy = CU_SYNC_POLICY_AUTO;
        return value;
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
        value.memSyncDomainMap.remote = 1;
        return value;
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
        value.priority = stream.priority();
        return value;
    default:
        return invalid_value(format("there is no stream attribute {}", static_cast<int>(which)));
    }
}

Result<void> check_value(CUstreamAttrID which, const CUstreamAttrValue& value) {
    switch (which) {
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW: {
        const auto& window = value.accessPolicyWindow;
        if (!(window.hitRatio >= 0 && window.hitRatio <= 1)) return invalid_value("the hit ratio must lie between 0 and 1");
        if (window.hitProp > CU_ACCESS_PROPERTY_PERSISTING || window.missProp > CU_ACCESS_PROPERTY_STREAMING)
            return invalid_value("hit property or miss property");
        return {};
    }
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
        if (value.syncPolicy < CU_SYNC_POLICY_AUTO || value.syncPolicy > CU_SYNC_POLICY_BLOCKING_SYNC)
            return invalid_value(format("synchronisation policy {}", static_cast<int>(value.syncPolicy)));
        return {};
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
        if (value.memSyncDomain > CU_LAUNCH_MEM_SYNC_DOMAIN_REMOTE)
            return invalid_value(format("memory domain {}", static_cast<int>(value.memSyncDomain)));
        return {};
    default:
        return {};
    }
}

} // namespace

void anywarp::driver::forget_stream_attributes(uint64_t stream) {
    std::lock_guard lock(table().mutex);
    table().streams.erase(stream);
}

CUresult cuStreamSetAttribute(CUstream handle, CUstreamAttrID which, const CUstreamAttrValue* value) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(stream, stream_of(handle, context));
        ANYWARP_TRY(default_value(*stream, which)); // is there such an attribute?
        ANYWARP_TRY(check_value(which, *value));
        std::lock_guard lock(table().mutex);
        table().streams[stream->id()][which] = *value;
        return {};
    });
}

CUresult cuStreamGetAttribute(CUstream handle, CUstreamAttrID which, CUstreamAttrValue* value) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(stream, stream_of(handle, context));
        ANYWARP_TRY_AS(answer, default_value(*stream, which));
        std::lock_guard lock(table().mutex);
        if (auto kept = table().streams.find(stream->id()); kept != table().streams.end())
            if (auto set = kept->second.find(which); set != kept->second.end()) answer = set->second;
        *value = answer;
        return {};
    });
}

CUresult cuStreamCopyAttributes(CUstream to_handle, CUstream from_handle) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(to, stream_of(to_handle, context));
        ANYWARP_TRY_AS(from, stream_of(from_handle, context));
        if (&to->device() != &from->device()) return invalid_value("the streams are of different devices");
        std::lock_guard lock(table().mutex);
        Values values = table().streams[from->id()];
        if (values.empty())
            table().streams.erase(to->id());
        else
            table().streams[to->id()] = std::move(values);
        return {};
    });
}
