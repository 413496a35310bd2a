using FastBatch.Scheduling;

namespace FastBatch.Tests.Scheduling;

/// <summary>How large batches may be after one did not fit into memory.</summary>
public class BatchCapTests
{
    [Fact]
    public void A_batch_that_does_not_fit_halves_it()
    {
        var cap = new BatchCap(64);
        Assert.Equal(64, cap.Value);
        cap.OutOfMemory(40);
        Assert.Equal(20, cap.Value);
        cap.OutOfMemory(64); // one that was under way meanwhile
        Assert.Equal(20, cap.Value);
        cap.OutOfMemory(1);
        Assert.Equal(1, cap.Value);
    }

    [Fact]
    public void Full_batches_raise_it_again_part_by_part_up_to_the_limit()
    {
        var cap = new BatchCap(64);
        cap.OutOfMemory(64);
        var seen = new List<int> { cap.Value };
        for (int i = 0; i < 100_000; i++)
        {
            cap.Succeeded(1); // proves nothing
            cap.Succeeded(cap.Value);
            if (cap.Value != seen[^1])
            {
                seen.Add(cap.Value);
            }
        }

        Assert.Equal([32, 36, 40, 45, 50, 56, 63, 64], seen);
    }

    [Fact]
    public void The_limit_may_change_and_what_fits_stays_known()
    {
        var cap = new BatchCap(64);
        cap.OutOfMemory(64);
        cap.Limit = 8;
        Assert.Equal(8, cap.Value);
        cap.Limit = 128;
        Assert.Equal(32, cap.Value);
    }

    [Fact]
    public void A_limit_that_stays_is_hit_ever_more_rarely()
    {
        var cap = new BatchCap(64);
        var failures = new List<int>();
        for (int i = 0; i < 1_000_000; i++)
        {
            if (cap.Value > 50)
            {
                failures.Add(i);
                cap.OutOfMemory(cap.Value);
            }
            else
            {
                cap.Succeeded(cap.Value);
            }
        }

        Assert.InRange(failures.Count, 2, 8);
        Assert.True(failures[^1] - failures[^2] > 3 * (failures[2] - failures[1]));
    }
}
