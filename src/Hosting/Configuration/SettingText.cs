using System.Globalization;

namespace FastBatch.Hosting.Configuration;

internal delegate bool TryParse<T>(string text, out T value);

/// <summary>
/// The values of settings as text, the same in every culture. Durations have a unit: a bare number would be days to <see cref="TimeSpan"/>.
/// </summary>
internal static class SettingText
{
    public const string WholeNumbers = "a whole number, 1 or more";
    public const string Sizes = "whole numbers, each 1 or more, such as 1, 8, 32";
    public const string Numbers = "a number, zero or more";
    public const string Switches = "true or false";
    public const string Durations = "a duration, zero or more, such as 250us, 5ms, 2s or 00:00:02";
    public const string DurationsOrInfinite = Durations + ", or infinite";

    private static readonly (string Unit, double Ticks)[] Units =
    [
        ("us", TimeSpan.TicksPerMicrosecond),
        ("ms", TimeSpan.TicksPerMillisecond),
        ("min", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond),
    ];

    public static string NamesOf<T>()
        where T : struct, Enum
    {
        string[] names = Enum.GetNames<T>();
        return $"{string.Join(", ", names[..^1])} or {names[^1]}";
    }

    public static bool TryWholeNumber(string text, out int? value)
    {
        value = TryWholeNumber(text, out int number) ? number : null;
        return value is not null;
    }

    public static bool TryWholeNumber(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= 1;

    public static bool TryWholeNumber(string text, out long? value)
    {
        value = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
        return value >= 1;
    }

    public static bool TrySizes(string text, out GraphSizes? value)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        bool areSizes = Array.TrueForAll(parts, static part => TryWholeNumber(part, out int _));
        value = areSizes ? [.. parts.Select(static part => int.Parse(part, NumberStyles.None, CultureInfo.InvariantCulture))] : null;
        return areSizes;
    }

    public static bool TryNumber(string text, out double value) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && value >= 0 && double.IsFinite(value);

    public static bool TrySwitch(string text, out bool value) => bool.TryParse(text, out value);

    public static bool TrySwitch(string text, out bool? value)
    {
        value = bool.TryParse(text, out bool parsed) ? parsed : null;
        return value is not null;
    }

    // A number would be taken for a name's value, and a list of names for flags.
    public static bool TryName<T>(string text, out T value)
        where T : struct, Enum
    {
        value = default;
        return text.All(char.IsAsciiLetter) && Enum.TryParse(text, ignoreCase: true, out value) && Enum.IsDefined(value);
    }

    public static bool TryDuration(string text, out TimeSpan? value)
    {
        value = TryDuration(text, out TimeSpan duration) ? duration : null;
        return value is not null;
    }

    public static bool TryDurationOrInfinite(string text, out TimeSpan value)
    {
        bool isInfinite = text.Trim().Equals("infinite", StringComparison.OrdinalIgnoreCase);
        value = Timeout.InfiniteTimeSpan;
        return isInfinite || TryDuration(text, out value);
    }

    private static bool TryDuration(string text, out TimeSpan value)
    {
        text = text.Trim();
        foreach ((string unit, double ticks) in Units)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && TryNumber(text[..^unit.Length], out double number)
                && number * ticks < TimeSpan.MaxValue.Ticks)
            {
                value = new TimeSpan((long)Math.Round(number * ticks));
                return true;
            }
        }

        bool hasUnit = text.Contains(':', StringComparison.Ordinal) || text is "0";
        return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out value) && hasUnit && value >= TimeSpan.Zero;
    }
}
