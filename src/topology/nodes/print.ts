import type { NodeRule } from '../compile/rule.ts'
import { peek } from '../operators/peek.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'
import { keepsNothing } from './stateless.ts'

/** `KStream.print`: nothing comes after it. */
export interface PrintNode extends NodeBase<'print'> {
  /** Stands before each line; the name of the node before by default. */
  readonly label?: string | undefined
  readonly mapper: UserFunction<[key: unknown, value: unknown], string>
  readonly write: (line: string) => void
}

export const printRule: NodeRule<PrintNode> = {
  key: 'kept',
  names: ({ name }, counter) => ({ name: counter.name(name, 'KSTREAM-PRINTER-') }),
  serdes: keepsNothing,
  emit({ label, mapper, write }, emission) {
    const before = `[${label ?? emission.parentName(0)}]: `
    const supplier = peek((key, value) => write(`${before}${mapper(key, value)}\n`))
    emission.processor({ supplier })
  },
}
