"""System calls made inside a live process, by its own thread: the process is stopped (ptrace), made to
execute one `syscall` instruction of its C library with registers of ours, and goes on where it was.
So a test does what somebody would do who has taken that process over.  x86-64 only."""
import ctypes
import errno
import os
import platform
import signal

KILLED = "killed"  # the kernel ended the process for it
REGISTERS = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx",
             "rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds",
             "es", "fs", "gs")
ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
CALLS = {"read": 0, "write": 1, "close": 3, "mmap": 9, "mprotect": 10, "getpid": 39, "socket": 41,
         "connect": 42, "bind": 49, "listen": 50, "clone": 56, "fork": 57, "vfork": 58, "execve": 59,
         "kill": 62, "unlink": 87, "ptrace": 101, "setuid": 105, "chroot": 161, "mount": 165,
         "tgkill": 234, "openat": 257, "unshare": 272, "prlimit64": 302, "open_by_handle_at": 304,
         "setns": 308, "process_vm_readv": 310, "bpf": 321, "execveat": 322, "io_uring_setup": 425,
         "pidfd_open": 434, "clone3": 435, "init_module": 175, "landlock_create_ruleset": 444,
         "keyctl": 250, "perf_event_open": 298, "memfd_create": 319, "prctl": 157}
PTRACE_PEEKUSER, PTRACE_SINGLESTEP, PTRACE_GETREGS, PTRACE_SETREGS = 3, 9, 12, 13
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
WALL = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long
can_inject = platform.machine() == "x86_64"


class _Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in REGISTERS]

    def copy(self):
        return _Registers.from_buffer_copy(self)


def _ptrace(request, pid, data=None):
    if _libc.ptrace(request, pid, None, data) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request} of {pid}")


class Inside:
    """with Inside(pid) as it: it.call("write", 2, b"", 0)"""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        _ptrace(PTRACE_ATTACH, self.pid)
        _, status = os.waitpid(self.pid, WALL)
        assert os.WIFSTOPPED(status)
        self.is_alive = True
        self.registers = _Registers()
        _ptrace(PTRACE_GETREGS, self.pid, ctypes.byref(self.registers))
        self.memory = os.open(f"/proc/{self.pid}/mem", os.O_RDWR)
        self.instruction = self._find()
        return self

    def __exit__(self, *_):
        os.close(self.memory)
        if self.is_alive:
            _ptrace(PTRACE_SETREGS, self.pid, ctypes.byref(self.registers))
            _ptrace(PTRACE_DETACH, self.pid)

    def _find(self):
        """Where the C library has a `syscall` instruction."""
        with open(f"/proc/{self.pid}/maps", encoding="ascii") as file:
            for line in file:
                words = line.split()
                if "x" in words[1] and len(words) > 5 and "libc.so" in words[5]:
                    start, end = (int(word, 16) for word in words[0].split("-"))
                    found = os.pread(self.memory, end - start, start).find(b"\x0f\x05")
                    if found >= 0:
                        return start + found
        raise AssertionError("no C library in that process")

    def call(self, name, *arguments):
        """What the kernel answered (a negative errno is a refusal), or KILLED."""
        registers = self.registers.copy()
        room = (registers.rsp - 16384) & ~0xfff  # below what its stack holds
        for register, argument in zip(ARGUMENTS, arguments):
            if isinstance(argument, (bytes, str)):
                data = argument.encode() + b"\0" if isinstance(argument, str) else argument
                os.pwrite(self.memory, data or b"\0", room)
                argument, room = room, room + ((len(data) + 64) & ~0xf)
            setattr(registers, register, argument & (1 << 64) - 1)
        registers.rax = CALLS[name]
        registers.orig_rax = (1 << 64) - 1  # no call of its own is to be started again
        registers.rip = self.instruction
        _ptrace(PTRACE_SETREGS, self.pid, ctypes.byref(registers))
        while True:
            _ptrace(PTRACE_SINGLESTEP, self.pid)
            _, status = os.waitpid(self.pid, WALL)
            if os.WIFSIGNALED(status) or os.WIFEXITED(status):
                self.is_alive = False
                assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS, status
                return KILLED
            if os.WSTOPSIG(status) == signal.SIGTRAP:
                break
        answer = _Registers()
        _ptrace(PTRACE_GETREGS, self.pid, ctypes.byref(answer))
        return ctypes.c_longlong(answer.rax).value


def made_inside(pid, name, *arguments):
    with Inside(pid) as inside:
        return inside.call(name, *arguments)


def is_refused(answer):
    """Not done: and not for a reason that another moment would mend."""
    return answer == KILLED or (isinstance(answer, int) and -4095 <= answer < 0 and
                                -answer in (errno.EPERM, errno.EACCES, errno.ENOSYS))
