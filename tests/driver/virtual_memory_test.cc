// Virtual memory management: reserve, create, map, access, sharing by file descriptor; and the documented error of each misuse.
#include "driver_test.h"

#include <unistd.h>
#include <vector>

class VirtualMemoryTest : public DriverTest {
protected:
    void SetUp() override {
        DriverTest::SetUp();
        properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
        properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, device};
        properties.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
        OK(cuMemGetAllocationGranularity(&step, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
        access.location = properties.location;
        access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    }
    CUmemAllocationProp properties{};
    CUmemAccessDesc access{};
    size_t step = 0;
};

TEST_F(VirtualMemoryTest, CopiesRunAcrossNeighbouringMappings) {
    size_t free_before = 0, free_now = 0, total = 0;
    OK(cuMemGetInfo(&free_before, &total));
    CUdeviceptr range = 0;
    OK(cuMemAddressReserve(&range, 4 * step, 0, 0, 0));
    CUmemGenericAllocationHandle first = 0, second = 0, same = 0;
    OK(cuMemCreate(&first, step, &properties, 0));
    OK(cuMemCreate(&second, step, &properties, 0));
    OK(cuMemGetInfo(&free_now, &total));
    EXPECT_EQ(free_before - free_now, 2 * step);
    OK(cuMemMap(range, step, 0, first, 0));
    OK(cuMemMap(range + step, step, 0, second, 0));
    EXPECT_EQ(cuMemsetD8(range, 1, 16), CUDA_ERROR_INVALID_VALUE); // no access yet
    OK(cuMemSetAccess(range, 2 * step, &access, 1));
    unsigned long long flags = 0;
    OK(cuMemGetAccess(&flags, &access.location, range + step));
    EXPECT_EQ(flags, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    std::vector<unsigned char> bytes(64);
    OK(cuMemsetD8(range + step - 32, 0x5a, 64));
    OK(cuMemcpyDtoH(bytes.data(), range + step - 32, 64));
    EXPECT_EQ(bytes, std::vector<unsigned char>(64, 0x5a));
    // The same memory a second time, at another address.
    OK(cuMemMap(range + 2 * step, step, 0, first, 0));
    OK(cuMemSetAccess(range + 2 * step, step, &access, 1));
    OK(cuMemcpyDtoH(bytes.data(), range + 3 * step - 32, 32));
    EXPECT_EQ(bytes[0], 0x5a);
    OK(cuMemRetainAllocationHandle(&same, reinterpret_cast<void*>(range + 8)));
    EXPECT_EQ(same, first);
    OK(cuMemRelease(same));
    CUmemAllocationProp told{};
    OK(cuMemGetAllocationPropertiesFromHandle(&told, first));
    EXPECT_EQ(told.location.id, device);
    unsigned type = 0;
    OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, range + 100));
    EXPECT_EQ(type, static_cast<unsigned>(CU_MEMORYTYPE_DEVICE));

    EXPECT_EQ(cuMemMap(range, step, 0, second, 0), CUDA_ERROR_INVALID_VALUE);                // something is there
    EXPECT_EQ(cuMemMap(range + 3 * step, step, step, second, 0), CUDA_ERROR_INVALID_VALUE);  // an offset
    EXPECT_EQ(cuMemMap(range + 4 * step, step, 0, second, 0), CUDA_ERROR_INVALID_VALUE);     // not reserved
    EXPECT_EQ(cuMemSetAccess(range, 4 * step, &access, 1), CUDA_ERROR_INVALID_VALUE);        // a gap
    EXPECT_EQ(cuMemUnmap(range, step / 2), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemAddressFree(range, 4 * step), CUDA_ERROR_INVALID_VALUE); // still mapped
    EXPECT_EQ(cuMemFree(range), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemCreate(&same, step + 1, &properties, 0), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemCreate(&same, size_t{1} << 50, &properties, 0), CUDA_ERROR_OUT_OF_MEMORY);
    EXPECT_EQ(cuMemAddressReserve(&range, step, 3, 0, 0), CUDA_ERROR_INVALID_VALUE);

    OK(cuMemRelease(first)); // the mappings keep it
    OK(cuMemsetD8(range, 2, 16));
    EXPECT_EQ(cuMemRelease(first), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemUnmap(range, 3 * step));
    OK(cuMemRelease(second));
    OK(cuMemAddressFree(range, 4 * step));
    OK(cuMemGetInfo(&free_now, &total));
    EXPECT_EQ(free_before, free_now);
}

TEST_F(VirtualMemoryTest, ImportedMemoryIsTheSame) {
    CUmemGenericAllocationHandle made = 0, imported = 0;
    OK(cuMemCreate(&made, step, &properties, 0));
    int file = -1;
    OK(cuMemExportToShareableHandle(&file, made, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
    OK(cuMemImportFromShareableHandle(&imported, reinterpret_cast<void*>(static_cast<intptr_t>(file)),
                                      CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
    close(file);
    CUdeviceptr range = 0;
    OK(cuMemAddressReserve(&range, 2 * step, 0, 0, 0));
    OK(cuMemMap(range, step, 0, made, 0));
    OK(cuMemMap(range + step, step, 0, imported, 0));
    OK(cuMemSetAccess(range, 2 * step, &access, 1));
    OK(cuMemsetD32(range, 77, 1));
    unsigned value = 0;
    OK(cuMemcpyDtoH(&value, range + step, 4));
    EXPECT_EQ(value, 77U);
    EXPECT_EQ(cuMemImportFromShareableHandle(&imported, reinterpret_cast<void*>(intptr_t{-1}),
                                             CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR),
              CUDA_ERROR_INVALID_VALUE);
    OK(cuMemUnmap(range, 2 * step));
    OK(cuMemAddressFree(range, 2 * step));
    OK(cuMemRelease(made));
    OK(cuMemRelease(imported));
}
