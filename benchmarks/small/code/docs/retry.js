// Calls a function again when it fails, and waits twice as long each time.
export async function withBackoff(action, { attempts = 5, delay = 200 } = {}) {
  for (let n = 0; ; n++) {
    try {
      return await action();
    } catch (error) {
      if (n + 1 >= attempts) throw error;
      await new Promise((done) => setTimeout(done, delay * 2 ** n));
    }
  }
}
