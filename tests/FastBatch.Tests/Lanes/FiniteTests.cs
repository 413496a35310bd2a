using FastBatch.Lanes;

namespace FastBatch.Tests.Lanes;

public class FiniteTests
{
    [Fact]
    public void The_first_value_that_is_not_finite_is_found_wherever_it_is()
    {
        foreach (int length in (int[])[0, 1, 3, 7, 8, 15, 16, 17, 33, 100])
        {
            FindAll(length, 1f, float.MaxValue, -0f, [float.NaN, float.PositiveInfinity, float.NegativeInfinity]);
            FindAll(length, 1d, double.MaxValue, double.Epsilon, [double.NaN, double.PositiveInfinity, double.NegativeInfinity]);
            FindAll(length, (Half)1, Half.MaxValue, Half.MinValue, [Half.NaN, Half.PositiveInfinity, Half.NegativeInfinity]);
        }
    }

    [Fact]
    public void Types_without_such_values_are_finite() => Assert.Equal(
        (-1, -1), (Finite.FirstOther<int>([int.MaxValue, -1]), Finite.FirstOther<ulong>([ulong.MaxValue])));

    private static void FindAll<T>(int length, T one, T large, T small, T[] others)
        where T : unmanaged
    {
        T[] row = [.. Enumerable.Range(0, length).Select(i => i % 3 == 0 ? one : i % 3 == 1 ? large : small)];
        Assert.Equal(-1, Finite.FirstOther<T>(row));
        for (int i = 0; i < length; i++)
        {
            foreach (T other in others)
            {
                T[] bad = [.. row];
                bad[i] = other;
                bad[^1] = other;
                Assert.Equal(i, Finite.FirstOther<T>(bad));
            }
        }
    }
}
