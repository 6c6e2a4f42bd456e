// Runs a test's body in a child process with variables of its own: the devices are read from the environment once per process.
#pragma once

#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

template <class Body> void in_child(const std::vector<std::pair<const char*, const char*>>& variables, Body body) {
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        for (const char* name : {"ANYWARP_DEVICE", "ANYWARP_DEVICES", "ANYWARP_MEMORY", "ANYWARP_SM", "CUDA_VISIBLE_DEVICES"})
            unsetenv(name);
        for (auto [name, value] : variables) setenv(name, value, 1);
        body();
        _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "what failed stands above";
}
