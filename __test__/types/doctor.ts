// The doctor from TypeScript: its report as a health check reads it; checked by tsc, never run.
import { type DiagnoseOptions, type Diagnosis, diagnose, type Finding, type ProviderId, type Severity } from '../../index.js'

export async function health(uid: number, gid: number, workspace: string): Promise<string[]> {
  const options: DiagnoseOptions = { provider: 'claude', uid, gid, groups: [gid], workspace, start: false, startTimeoutMs: 10_000 }
  const report: Diagnosis = await diagnose(options)
  const worst: Severity = report.worst
  const about: ProviderId | null | undefined = report.findings[0]?.provider
  const wanted = (finding: Finding): boolean => finding.severity === worst && finding.provider === about
  return report.ok ? [] : report.findings.filter(wanted).flatMap(({ commands }) => [...commands])
}

export async function refused(): Promise<void> {
  // @ts-expect-error there is no such provider
  const report = await diagnose({ provider: 'nobody' })
  // @ts-expect-error a report is not for changing
  report.worst = 'ok'
}
