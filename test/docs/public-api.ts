import { join } from 'node:path'
import { API, type Checker, type Symbol as TypeSymbol, SymbolFlags } from 'typescript/unstable/sync'
import { root } from './extract.ts'

/** Something that a user can name: an export of a door, or a method of one. */
export interface PublicName {
  /** `tumbling`, `TestDriver` or `TestDriver.advance`. */
  readonly name: string
  readonly kind: 'function' | 'class' | 'method' | 'type'
  readonly documentation: string
  readonly examples: readonly string[]
}

const doors = [
  'src/index.ts',
  'src/testing/index.ts',
  'src/testing/properties/index.ts',
  'src/broker/index.ts',
]

/** What the doors export, with the methods of exported classes and interfaces, as the compiler sees it. */
export function publicNames(): PublicName[] {
  const api = new API({ cwd: root })
  try {
    const config = join(root, 'tsconfig.json')
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config)
    if (project === undefined) throw new Error(`${config} is not a project`)
    const { checker, program } = project
    return doors.flatMap(door => {
      const file = program.getSourceFile(join(root, door))
      const module = file && checker.getSymbolAtLocation(file)
      if (module === undefined) throw new Error(`${door} is not a module`)
      return checker
        .getExportsOfModule(module)
        .flatMap(exported => namesOf(checker.getAliasedSymbol(exported), checker))
    })
  } finally {
    api.close()
  }
}

function namesOf(symbol: TypeSymbol, checker: Checker): PublicName[] {
  const methods = [...symbol.getMembers().values()].filter(
    member => (member.flags & SymbolFlags.Method) !== 0 && !member.name.startsWith('__'),
  )
  return [
    publicName(symbol.name, kindOf(symbol), symbol, checker),
    ...methods.map(method =>
      publicName(`${symbol.name}.${method.name}`, 'method', method, checker),
    ),
  ]
}

function kindOf({ flags }: TypeSymbol): PublicName['kind'] {
  if ((flags & SymbolFlags.Function) !== 0) return 'function'
  return (flags & SymbolFlags.Class) !== 0 ? 'class' : 'type'
}

function publicName(
  name: string,
  kind: PublicName['kind'],
  symbol: TypeSymbol,
  checker: Checker,
): PublicName {
  const examples = symbol
    .getJsDocTags(checker)
    .filter(tag => tag.name === 'example')
    .map(({ text }) => (typeof text === 'string' ? text : JSON.stringify(text)))
  return { name, kind, documentation: symbol.getDocumentationComment(checker), examples }
}
