// The second file of this package, for the doctor: loaded by the first diagnosis, or to say why the addon does not load.

/** Why the addon does not load. */
export interface NotLoaded {
  /** A sentence without its full stop. */
  reason: string
  advice: string
  commands: string[]
}

/** What loading the addon needs of it. */
interface DoctorFile {
  whyNotLoaded(error: unknown): NotLoaded
}

/** `File` is the type of the module, or what the caller needs of it. */
export function doctorFile<File extends DoctorFile = DoctorFile>(): File {
  return require('./doctor.cjs')
}
