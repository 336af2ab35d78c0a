/** Kafka's rule for names of topics (`Topic.validate`): they become names of folders. Returns what is wrong, or null. */
export function topicNameProblem(name: string): string | null {
  if (name.length === 0) return 'A topic name cannot be empty.'
  if (name === '.' || name === '..') return `A topic cannot be called "${name}".`
  if (name.length > 249)
    return `A topic name has at most 249 characters; this one has ${name.length}.`
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `The topic name ${JSON.stringify(name.slice(0, 60))} has characters other than letters, digits, ".", "_" and "-".`
  }
  return null
}
