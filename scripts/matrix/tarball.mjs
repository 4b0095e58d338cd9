// Stage `tarball`: runs the linters of published packages on the tarball.
import { join } from 'node:path'
import { runIn } from './project.mjs'

export async function tarball(report, { dir, tools, node, tarballs }) {
  await report.step(
    'tarball',
    'publint',
    async () => void (await runIn(dir, node, [join(tools, 'publint', 'src', 'cli.js'), tarballs.main, '--strict']))
  )
  await report.step(
    'tarball',
    'attw',
    async () =>
      void (await runIn(dir, node, [
        join(tools, '@arethetypeswrong', 'cli', 'dist', 'index.js'),
        tarballs.main,
        '--no-color',
        '--no-emoji'
      ]))
  )
}
