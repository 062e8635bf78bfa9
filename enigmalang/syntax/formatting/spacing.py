"""What stands between two lexemes on one line: a space or nothing."""

from enigmalang.syntax.formatting.lexing import Token

_TIGHT = frozenset({".", ".."})


class Spacer:
    """Walks over the lexemes of a statement and says before which of them a space stands."""

    def __init__(self) -> None:
        self.before: Token | None = None
        self.brackets: list[str] = [""]
        self.lengths: list[int] = [0]  # how many lexemes the argument has so far, for each bracket
        self.tight = False  # nothing may follow the last lexeme with a space

    def space(self, token: Token) -> bool:
        """Whether a space stands before `token`, the next lexeme."""
        if token.kind == "closer":
            self.brackets.pop()
            self.lengths.pop()
        before = self.before
        if before is None:
            spaced = False
        elif self.tight:
            spaced = before.text == token.text == "+"  # `++` is no sign of ours
        else:
            spaced = self._wanted(before, token)
        self._advance(token)
        return spaced

    def _advance(self, token: Token) -> None:
        after_name = token.text == "=" and self._names_argument()
        after_bound = token.text == ":" and self.brackets[-1] == "["
        self.tight = token.unary or token.text in _TIGHT or token.kind == "opener" or after_name or after_bound
        if token.text == ",":
            self.lengths[-1] = 0
        elif token.text != "private":
            self.lengths[-1] += 1
        if token.kind == "opener":
            self.brackets.append(token.text)
            self.lengths.append(0)
        self.before = token

    def _names_argument(self) -> bool:
        """Whether `=` follows the bare name of an argument or parameter: `f(a=1)`, but `a: uint8 = 1`."""
        return self.brackets[-1] == "(" and self.lengths[-1] <= 1

    def _wanted(self, before: Token, token: Token) -> bool:
        match token.text:
            case "," | "." | ".." | ":":
                return False
            case "=":
                return not self._names_argument()
            case "(" | "[":
                return not before.ends_operand or self._soft_keyword(before, token)
        return token.kind != "closer"

    def _soft_keyword(self, before: Token, token: Token) -> bool:
        """`advance (n) blocks` is a statement, `advance(n)` a call."""
        return before.text == "advance" and token.spaced and len(self.brackets) == 1
