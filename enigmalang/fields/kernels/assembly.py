"""The lines of one function, as LLVM writes them."""

from enigmalang.fields.kernels.language import Value, llvm_type


class Assembly:
    """Values are numbered as they are made; `block` is the label that the next line stands under."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.places: list[str] = []  # the locals' memory: the first lines
        self.block = "entry"
        self._count = 0

    def emit(self, line: str) -> None:
        self.lines.append(f"  {line}")

    def new(self, line: str, type_: str) -> Value:
        self._count += 1
        self.emit(f"%v{self._count} = {line}")
        return Value(type_, f"%v{self._count}")

    def labels(self, *names: str) -> list[str]:
        self._count += 1
        return [f"{name}.{self._count}" for name in names]

    def begin(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        self.emit(f"br label %{label}")

    def place(self, name: str, type_: str) -> str:
        self._count += 1
        place = f"%{name}.{self._count}"
        self.places.append(f"  {place} = alloca {llvm_type(type_)}")
        return place

    def store(self, value: Value, place: str) -> None:
        self.emit(f"store {value.typed}, ptr {place}")
