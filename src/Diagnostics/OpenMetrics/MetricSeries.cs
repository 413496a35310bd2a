using KeyValue = System.Collections.Generic.KeyValuePair<string, object?>;

namespace FastBatch.Diagnostics;

/// <summary>The values of one combination of tags. Any thread.</summary>
internal sealed class MetricSeries(KeyValue[] tags, string labels, double[]? bounds)
{
    private readonly long[] _buckets = bounds is null ? [] : new long[bounds.Length + 1];
    private double _value;

    /// <summary>As they are written.</summary>
    public string Labels => labels;

    /// <summary>The value, or of a histogram the sum.</summary>
    public double Value => Volatile.Read(ref _value);

    public bool Has(ReadOnlySpan<KeyValue> given)
    {
        if (given.Length != tags.Length)
        {
            return false;
        }

        for (int i = 0; i < given.Length; i++)
        {
            // Nearly always the very same strings.
            if (!(ReferenceEquals(given[i].Value, tags[i].Value) || Equals(given[i].Value, tags[i].Value)) || given[i].Key != tags[i].Key)
            {
                return false;
            }
        }

        return true;
    }

    public void Set(double value) => Volatile.Write(ref _value, value);

    public void Add(double value)
    {
        double sum = Volatile.Read(ref _value);
        while (true)
        {
            double seen = Interlocked.CompareExchange(ref _value, sum + value, sum);
            if (seen.Equals(sum))
            {
                return;
            }

            sum = seen;
        }
    }

    public void Count(double value)
    {
        int bucket = 0;
        while (bucket < bounds!.Length && value > bounds[bucket])
        {
            bucket++;
        }

        Interlocked.Increment(ref _buckets[bucket]);
        Add(value);
    }

    public long InBucket(int index) => Volatile.Read(ref _buckets[index]);
}
