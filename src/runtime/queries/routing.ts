import type { GroupAssignment, GroupMemberInfo } from '../../client/log-client.ts'
import { decodeMemberData, decodeShare, encodeShare, type Route } from '../member-data.ts'

/** The same shares, of which each tells who has which tasks, of those members whose stores can be asked. */
export function withRouting(
  members: readonly GroupMemberInfo[],
  assignments: readonly GroupAssignment[],
): GroupAssignment[] {
  const shares = assignments.map(assignment => ({
    assignment,
    share: decodeShare(assignment.userData),
  }))
  const routing: Route[] = []
  for (const { memberId, userData } of members) {
    const { endpoint } = decodeMemberData(userData)
    const found = shares.find(({ assignment }) => assignment.memberId === memberId)
    if (endpoint === null || found === undefined) continue
    const { tasks: active, standbys: standby } = found.share
    routing.push({ endpoint, active, standby })
  }
  if (routing.length === 0) return [...assignments]
  return shares.map(({ assignment, share }) => {
    return { ...assignment, userData: encodeShare({ ...share, routing }) }
  })
}
