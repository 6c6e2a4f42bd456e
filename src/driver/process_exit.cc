// Nothing in libcuda.so.1 is destroyed when the process exits, and the library stays where it is once it is loaded.
//
// Its threads (workers, streams' runners, compilations) may be at work until the very end, in the program's destructors, too, and
// LLVM makes static objects whenever it first needs them: destroyed in the reverse order of their making, as C++ has it, they
// would go while a compilation uses them. So the linker leads this library's calls of __cxa_atexit here (--wrap, see
// CMakeLists.txt), where destructors of static objects are dropped; functions given to std::atexit are kept.

extern "C" {

extern void* __dso_handle;
int __real___cxa_atexit(void (*function)(void*), void* argument, void* library);

int __wrap___cxa_atexit(void (*)(void*), void*, void*) { return 0; }

int __wrap_atexit(void (*function)()) {
    auto call = [](void* given) { reinterpret_cast<void (*)()>(given)(); };
    return __real___cxa_atexit(call, reinterpret_cast<void*>(function), &__dso_handle);
}

} // extern "C"
