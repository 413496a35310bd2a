using System.Numerics.Tensors;

namespace FastBatch.Simulation.Oracles;

/// <summary>Dense linear systems of some hundred unknowns.</summary>
internal static class LinearSystem
{
    /// <summary>Solves the system; each row has its coefficients, then its right-hand side. The rows are overwritten.</summary>
    public static double[] Solve(double[][] rows)
    {
        int count = rows.Length;
        for (int column = 0; column < count; column++)
        {
            int pivot = column;
            for (int i = column + 1; i < count; i++)
            {
                if (Math.Abs(rows[i][column]) > Math.Abs(rows[pivot][column]))
                {
                    pivot = i;
                }
            }

            (rows[column], rows[pivot]) = (rows[pivot], rows[column]);
            ReadOnlySpan<double> top = rows[column].AsSpan(column);
            for (int i = column + 1; i < count; i++)
            {
                double factor = rows[i][column] / top[0];
                if (factor != 0)
                {
                    Span<double> row = rows[i].AsSpan(column);
                    TensorPrimitives.MultiplyAdd(top, -factor, row, row);
                }
            }
        }

        double[] solution = new double[count];
        for (int i = count - 1; i >= 0; i--)
        {
            double sum = rows[i][count];
            for (int j = i + 1; j < count; j++)
            {
                sum -= rows[i][j] * solution[j];
            }

            solution[i] = sum / rows[i][i];
        }

        return solution;
    }
}
