using Microsoft.Extensions.Options;

namespace FastBatch.Hosting.Configuration;

/// <summary>Refuses what <see cref="FastBatchHostOptions"/> cannot be.</summary>
internal sealed class HostOptionsValidation : IValidateOptions<FastBatchHostOptions>
{
    public ValidateOptionsResult Validate(string? name, FastBatchHostOptions options)
    {
        List<string> errors = [];
        Require(
            options.StoppingDelay >= TimeSpan.Zero && options.StoppingDelay <= FastBatchHostOptions.LongestDelay,
            nameof(options.StoppingDelay), options.StoppingDelay, "zero or more, and at most 10 minutes");
        Require(options.ShedBudget is >= 0 and <= 1, nameof(options.ShedBudget), options.ShedBudget, "0 to 1");
        Require(options.LateBudget is >= 0 and <= 1, nameof(options.LateBudget), options.LateBudget, "0 to 1");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);

        void Require(bool condition, string option, object given, string expected)
        {
            if (!condition)
            {
                errors.Add(FormattableString.Invariant($"{nameof(FastBatchHostOptions)}.{option} must be {expected}; it is {given}."));
            }
        }
    }
}
