import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * A small cache for Java programs that forgets the least recently used entry.
 *
 * <p>The map keeps its entries in order of access, so that the eldest one is always the one that nobody has
 * asked for in the longest time. All methods are synchronized: the class may be shared between threads.
 *
 * @param <K> type of the keys
 * @param <V> type of the values
 */
class LruCache<K, V> {

    private static final float LOAD_FACTOR = 0.75f;

    private final int capacity;
    private final Map<K, V> entries;
    private long hits;
    private long misses;

    LruCache(int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("capacity must be at least 1, not " + capacity);
        }
        this.capacity = capacity;
        this.entries = new LinkedHashMap<>(capacity, LOAD_FACTOR, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
                return size() > LruCache.this.capacity;
            }
        };
    }

    /** Returns the value of {@code key}, computing and keeping it when it is not there. */
    synchronized V get(K key, Function<? super K, ? extends V> loader) {
        Objects.requireNonNull(key, "key");
        V value = entries.get(key);
        if (value != null) {
            hits++;
            return value;
        }
        misses++;
        value = loader.apply(key);
        entries.put(key, value);
        return value;
    }

    synchronized void forget(K key) {
        entries.remove(key);
    }

    /** Share of requests that were answered without the loader, between 0 and 1. */
    synchronized double hitRate() {
        long requests = hits + misses;
        return requests == 0 ? 0.0 : (double) hits / requests;
    }

    public static void main(String[] arguments) {
        LruCache<Integer, Long> squares = new LruCache<>(3);
        for (int number : new int[] {1, 2, 3, 1, 4, 1, 2}) {
            System.out.println(number + " -> " + squares.get(number, n -> (long) n * n));
        }
        System.out.printf("hit rate %.2f%n", squares.hitRate());
    }
}
