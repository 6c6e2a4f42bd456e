// cuGetErrorName, cuGetErrorString. CUDA driver API, "Error Handling". Both work before cuInit.

#include "driver/errors.h"
#include "driver/api.h"

namespace anywarp::driver {
namespace {

struct Row {
    const char *name = nullptr, *text = nullptr;
};

Row row_of(int code) {
    switch (code) {
#define ANYWARP_RESULT(name, text)                                                                                               \
    case name:                                                                                                                   \
        return {#name, text};
#include "driver/results.def"
#undef ANYWARP_RESULT
    }
    return {};
}

} // namespace

const char* error_name(int code) {
    Row row = row_of(code);
    return row.name ? row.name : "unknown result";
}
const char* error_text(int code) { return row_of(code).text; }

} // namespace anywarp::driver

using namespace anywarp::driver;

CUresult cuGetErrorName(CUresult error, const char** name) {
    if (!name) return CUDA_ERROR_INVALID_VALUE;
    *name = row_of(error).name;
    return *name ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char** text) {
    if (!text) return CUDA_ERROR_INVALID_VALUE;
    *text = row_of(error).text;
    return *text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
