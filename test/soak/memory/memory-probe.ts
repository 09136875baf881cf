/** Loaded into a process by --import: tells its parent every second over IPC how much memory it takes. */
const EVERY_MS = 1_000

const tell = () => {
  const { rss, heapUsed, external } = process.memoryUsage()
  process.send?.({ kind: 'memory', rss, heapUsed, external })
}
setInterval(tell, EVERY_MS).unref()
