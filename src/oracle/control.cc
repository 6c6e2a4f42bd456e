// Branches, calls with .param passing, return, exit, trap, alloca.
//
// A call copies the caller's arguments into the callee's own parameter storage and, at the return, the callee's results into
// the caller's variables: by value, as the ABI has it. PTX ISA 9.0, 7.1 and 9.7.12.
#include "oracle/interpreter.h"

namespace anywarp::oracle {

namespace {

/// The parts of a call: (returns), target, (arguments), prototype or targets.
struct Call {
    const std::vector<Operand>* returns = nullptr;
    const std::vector<Operand>* arguments = nullptr;
    const Operand* target = nullptr;
};

Call parts_of(const Instruction& instruction) {
    Call call;
    for (const Operand& operand : instruction.operands) {
        if (operand.kind == Operand::Kind::list)
            (call.target ? call.arguments : call.returns) = &operand.elements;
        else if (!call.target)
            call.target = &operand;
    }
    return call;
}

bool is_place(const Operand& operand) { return operand.kind == Operand::Kind::symbol || operand.kind == Operand::Kind::address; }

/// A .reg parameter of the old calling form is a register of the body with that name.
const ptx::Register* register_named(const Body& body, const std::string& name, uint32_t& index) {
    for (index = 0; index < body.registers.size(); ++index)
        if (body.registers[index].name == name) return &body.registers[index];
    return nullptr;
}

/// Element e of what is passed for a vector: a vector register or {a, b}.
Operand element_of(const Operand& operand, const ptx::Variable& variable, unsigned e) {
    if (variable.vector == 1) return operand;
    if (operand.kind == Operand::Kind::vector) return operand.elements.at(e);
    Operand part = operand;
    part.component = int8_t(e);
    return part;
}

uint32_t definition_of(const ptx::Module& module, uint32_t function) {
    for (int depth = 0; depth < 16 && !module.functions.at(function).alias_of.empty(); ++depth) {
        auto found = module.symbols.find(module.functions[function].alias_of);
        if (found == module.symbols.end() || found->second.kind != ptx::Symbol::Kind::function) break;
        function = found->second.index;
    }
    return function;
}

} // namespace

std::unique_ptr<Frame> make_frame(Thread& thread, uint32_t function) {
    Grid& grid = thread.grid();
    const ptx::Function& declared = grid.module.functions.at(function);
    auto frame = std::make_unique<Frame>();
    frame->function = function;
    frame->code = &grid.code(function);
    frame->body = frame->code->body;
    frame->registers.assign(frame->code->slots.back(), 0);
    std::vector<uint64_t> places;
    uint64_t size = 0;
    auto place = [&](const ptx::Variable& v) {
        uint64_t align = v.align > 16 ? v.align : 16;
        size = (size + align - 1) / align * align;
        places.push_back(size);
        size += v.size ? v.size : 16;
    };
    for (const ptx::Variable& v : frame->body->variables) place(v);
    if (!declared.is_entry) {
        for (const ptx::Variable& v : declared.parameters) place(v);
        for (const ptx::Variable& v : declared.returns) place(v);
    }
    frame->memory.allocate(size);
    size_t next = 0;
    auto take = [&] { return frame->memory.data() + places[next++]; };
    for (const ptx::Variable& v : frame->body->variables) {
        uint8_t* p = take();
        frame->variables.push_back(v.space == StateSpace::shared ? nullptr : p);
    }
    for (size_t i = 0; i < declared.parameters.size(); ++i)
        frame->parameters.push_back(
            declared.is_entry ? const_cast<uint8_t*>(grid.launch.params) + grid.parameter_layout.offsets.at(i) : take());
    if (!declared.is_entry)
        for (size_t i = 0; i < declared.returns.size(); ++i) frame->returns.push_back(take());
    return frame;
}

void end_thread(Thread& thread) {
    thread.exited = true;
    thread.frames.clear();
    --thread.block->live;
}

Flow execute_branch(Thread& thread, const Instruction& instruction) {
    const Body& body = *thread.frame().body;
    if (instruction.opcode == Opcode::bra) {
        thread.frame().pc = body.labels.at(instruction.operands.at(0).label).target;
        return Flow::jumped;
    }
    uint64_t index = read(thread, instruction.operands.at(0), Type::u32);
    const auto& targets = body.branch_targets.at(instruction.operands.at(1).bits).labels;
    if (index >= targets.size())
        fault(thread, ErrorCode::invalid_pc, "brx.idx: index " + std::to_string(index) + " of " + std::to_string(targets.size()));
    thread.frame().pc = body.labels.at(targets[index]).target;
    return Flow::jumped;
}

Flow execute_call(Thread& thread, const Instruction& instruction) {
    Grid& grid = thread.grid();
    Frame& caller = thread.frame();
    Call call = parts_of(instruction);
    if (!call.target) refuse(thread, instruction);
    uint64_t token = read(thread, *call.target, Type::b64);
    uint64_t index = (token - 0x1000) / 16 - 1;
    if (token < ptx::function_token(0) || token % 16 || index >= grid.module.functions.size())
        fault(thread, ErrorCode::invalid_pc, "call of an address that is no function");
    uint32_t function = definition_of(grid.module, uint32_t(index));
    const ptx::Function& declared = grid.module.functions[function];

    if (declared.is_declaration) {
        // The argument storage is the caller's own .param variables.
        std::vector<std::unique_ptr<u128>> values;
        auto places = [&](const std::vector<Operand>* list) {
            std::vector<uint8_t*> r;
            if (!list) return r;
            for (const Operand& operand : *list) {
                if (is_place(operand)) {
                    r.push_back(reinterpret_cast<uint8_t*>(effective_address(thread, operand, nullptr)));
                } else {
                    values.push_back(std::make_unique<u128>(
                        operand.kind == Operand::Kind::sink ? u128(0) : read_wide(thread, operand, Type::b64)));
                    r.push_back(reinterpret_cast<uint8_t*>(values.back().get()));
                }
            }
            return r;
        };
        std::vector<uint8_t*> arguments = places(call.arguments), returns = places(call.returns);
        if (!call_builtin(thread, declared.name, arguments, returns))
            throw Fault{
                {ErrorKind::unsupported, ErrorCode::not_supported, "oracle: call of undefined function '" + declared.name + "'"}};
        if (call.returns)
            for (size_t i = 0; i < call.returns->size(); ++i)
                if (!is_place((*call.returns)[i])) write_wide(thread, (*call.returns)[i], *reinterpret_cast<u128*>(returns[i]));
        return Flow::next;
    }

    if (thread.frames.size() >= 4096) fault(thread, ErrorCode::hardware_stack_error, "call depth 4096");
    auto callee = make_frame(thread, function);
    size_t passed = call.arguments ? call.arguments->size() : 0;
    for (size_t i = 0; i < declared.parameters.size() && i < passed; ++i) {
        const ptx::Variable& parameter = declared.parameters[i];
        const Operand& argument = (*call.arguments)[i];
        if (is_place(argument)) {
            std::memcpy(callee->parameters[i], reinterpret_cast<uint8_t*>(effective_address(thread, argument, nullptr)),
                        parameter.size);
        } else {
            for (unsigned e = 0; e < parameter.vector; ++e) {
                u128 value = read_wide(thread, element_of(argument, parameter, e), parameter.type);
                std::memcpy(callee->parameters[i] + e * ptx::bytes(parameter.type), &value,
                            parameter.size && parameter.vector == 1 ? parameter.size : ptx::bytes(parameter.type));
            }
        }
        uint32_t reg;
        if (parameter.space == StateSpace::reg && register_named(*callee->body, parameter.name, reg))
            for (unsigned e = 0; e < parameter.vector; ++e)
                std::memcpy(&callee->registers[callee->code->slots[reg] + e],
                            callee->parameters[i] + e * ptx::bytes(parameter.type), ptx::bytes(parameter.type));
    }
    (void)caller; // its pc stays at the call until the return
    thread.frames.push_back(std::move(callee));
    return Flow::jumped;
}

Flow execute_return(Thread& thread, const Instruction& instruction) {
    if (instruction.opcode == Opcode::exit || thread.frames.size() == 1) {
        end_thread(thread);
        return Flow::ended;
    }
    std::unique_ptr<Frame> callee = std::move(thread.frames.back());
    thread.frames.pop_back();
    Frame& caller = thread.frame();
    const ptx::Function& declared = thread.grid().module.functions[callee->function];
    Call call = parts_of(caller.body->instructions.at(caller.pc));
    size_t wanted = call.returns ? call.returns->size() : 0;
    for (size_t i = 0; i < declared.returns.size() && i < wanted; ++i) {
        const ptx::Variable& result = declared.returns[i];
        uint32_t reg;
        if (result.space == StateSpace::reg && register_named(*callee->body, result.name, reg))
            for (unsigned e = 0; e < result.vector; ++e)
                std::memcpy(callee->returns[i] + e * ptx::bytes(result.type), &callee->registers[callee->code->slots[reg] + e],
                            ptx::bytes(result.type));
        const Operand& destination = (*call.returns)[i];
        if (is_place(destination)) {
            std::memcpy(reinterpret_cast<uint8_t*>(effective_address(thread, destination, nullptr)), callee->returns[i],
                        result.size);
        } else {
            for (unsigned e = 0; e < result.vector; ++e) {
                u128 value = 0;
                std::memcpy(&value, callee->returns[i] + e * ptx::bytes(result.type), ptx::bytes(result.type));
                write_wide(thread, element_of(destination, result, e), value);
            }
        }
    }
    ++caller.pc;
    return Flow::jumped;
}

Flow execute_trap(Thread& thread, const Instruction& instruction) {
    fault(thread, ErrorCode::launch_failed, std::string(ptx::spelling(instruction.opcode)) + " instruction");
}

Flow execute_stack(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    Frame& frame = thread.frame();
    switch (instruction.opcode) {
    case Opcode::alloca_: {
        frame.allocas.emplace_back();
        frame.allocas.back().allocate(read(thread, o.at(1), instruction.type()) + 16);
        write(thread, o[0], Type::b64, uint64_t(frame.allocas.back().data()));
        return Flow::next;
    }
    case Opcode::stacksave:
        write(thread, o[0], Type::b64, frame.allocas.size());
        return Flow::next;
    case Opcode::stackrestore: {
        uint64_t n = read(thread, o.at(0), Type::b64);
        while (frame.allocas.size() > n) frame.allocas.pop_back();
        return Flow::next;
    }
    default:
        refuse(thread, instruction);
    }
}

Flow execute_nothing(Thread&, const Instruction&) { return Flow::next; }

Flow execute_sleep(Thread& thread, const Instruction&) {
    thread.gives_way = true;
    return Flow::next;
}

} // namespace anywarp::oracle
