// The second file of this package, for the doctor: loaded by the first diagnosis, or to say why the addon does not load.

export function doctorFile(): typeof import('../doctor/file.ts') {
  return require('./doctor.cjs')
}
