/**
 * What is wrong with the name of a topic, as the words that follow it in a message; null when it is a good one. Names of
 * topics become names of folders. Kafka's `Topic#validate`.
 */
export function topicNameProblem(name: string): string | null {
  if (name === '') return `is empty. ${rule}`
  if (name === '.' || name === '..') return `stands for a folder. ${rule}`
  if (name.length > longest) return `has ${name.length} characters. ${rule}`
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return `has other characters than it may have. ${rule}`
  return null
}

const longest = 249

const rule = `Names of topics consist of ASCII letters, digits, '.', '_' and '-', and have at most ${longest} characters.`
