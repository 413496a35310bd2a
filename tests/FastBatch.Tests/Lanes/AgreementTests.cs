using FastBatch.Lanes;

namespace FastBatch.Tests.Lanes;

/// <summary>What counts as the same answer.</summary>
public class AgreementTests
{
    [Theory]
    [InlineData(new[] { 1f, 2f, 3f, 4f }, new[] { 1f, 2f, 3f, 4f }, -1)]
    [InlineData(new[] { 1f, 2f, 3f, 4f }, new[] { 1.00001f, 2f, 3f, 4f }, -1)]
    [InlineData(new[] { 1f, 2f, 3f, 4f }, new[] { 1f, 2f, 3f, 4.0001f }, 3)]
    [InlineData(new[] { 1000f, 0f, 1f, 0f }, new[] { 1000f, 0.01f, 1f, 0f }, -1)]
    [InlineData(new[] { 1000f, 0f, 1f, 0f }, new[] { 1000f, 0f, 1f, 0.01f }, 3)]
    [InlineData(new[] { 0f, 0f, 0f, 0f }, new[] { 0f, 0f, 1e-30f, 0f }, 2)]
    [InlineData(new[] { 0f, 0f, 0f, 0f }, new[] { 0f, 0f, -0f, 0f }, -1)]
    [InlineData(new[] { float.NaN, 1f, 2f, 3f }, new[] { float.NaN, 1f, 2f, 3f }, -1)]
    [InlineData(new[] { float.NaN, 1f, 2f, 3f }, new[] { 1f, 1f, 2f, 3f }, 0)]
    [InlineData(new[] { 0f, 1f, 2f, 3f }, new[] { 0f, float.NaN, 2f, 3f }, 1)]
    [InlineData(new[] { float.PositiveInfinity, 1f, 2f, 3f }, new[] { float.PositiveInfinity, 1.00001f, 2f, 3f }, -1)]
    [InlineData(new[] { float.PositiveInfinity, 1f, 2f, 3f }, new[] { float.NegativeInfinity, 1f, 2f, 3f }, 0)]
    [InlineData(new[] { float.PositiveInfinity, 1f, 2f, 3f }, new[] { 9f, 1f, 2f, 3f }, 0)]
    [InlineData(new[] { 3f, 1f, 2f, 3f }, new[] { float.PositiveInfinity, 1f, 2f, 3f }, 0)]
    public void Single_precision_by_the_largest_of_its_row(float[] expected, float[] actual, int difference) =>
        Assert.Equal(difference, Agreement.FirstDifference<float>(expected, actual, rowLength: 2));

    [Fact]
    public void Half_and_double_precision_by_theirs()
    {
        Assert.Equal(-1, Agreement.FirstDifference<Half>([(Half)1f], [(Half)1.003f], 1));
        Assert.Equal(0, Agreement.FirstDifference<Half>([(Half)1f], [(Half)1.01f], 1));
        Assert.Equal(-1, Agreement.FirstDifference<double>([1], [1 + 1e-13], 1));
        Assert.Equal(0, Agreement.FirstDifference<double>([1], [1 + 1e-10], 1));
    }

    [Fact]
    public void Everything_else_bit_by_bit()
    {
        Assert.Equal(-1, Agreement.FirstDifference<long>([1, 2, 3], [1, 2, 3], 1));
        Assert.Equal(2, Agreement.FirstDifference<long>([1, 2, 3], [1, 2, 4], 1));
        Assert.Equal(1, Agreement.FirstDifference<bool>([true, true], [true, false], 2));
        Assert.Equal(1, Agreement.FirstDifference<(short, short)>([(1, 2), (3, 4)], [(1, 2), (3, 5)], 1));
    }
}
